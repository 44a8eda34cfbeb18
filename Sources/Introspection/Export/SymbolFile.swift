/// A kernel's symbols and types as Volatility 3 reads them: its intermediate symbol format (ISF), version 6.2.0
/// (volatility3/schemas/schema-6.2.0.json).
///
/// Everything in it comes from the guest's memory: the addresses from kallsyms, the types from BTF. Addresses
/// are those of a kernel without address randomisation, so one file serves every start of that kernel.
public struct SymbolFile {
    private let kernel: Kernel
    private let types: TypeTable
    private let names: TypeNames

    /// - Throws: `missing` if the kernel does not describe its own types.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        types = try kernel.types()
        names = TypeNames(types)
    }

    /// The file's content: JSON of some 20 MB.
    ///
    /// - Throws: `missing` or `read` if the kernel's banner cannot be read, by which Volatility knows it.
    public func text() throws(IntrospectionError) -> [UInt8] {
        let banner = try banner()
        var output = JSONOutput()
        output.object { output in
            output.key("metadata")
            output.object { output in
                output.member("format", "6.2.0")
                output.key("producer")
                output.object { output in
                    output.member("name", "roost")
                    output.member("version", "1")
                }
                output.key("linux")
                output.object { _ in }
            }
            output.key("base_types")
            output.object(writeBases)
            output.key("enums")
            output.object(writeEnumerations)
            output.key("user_types")
            output.object(writeStructures)
            output.key("symbols")
            output.object { writeSymbols(&$0, banner) }
        }
        return output.bytes
    }

    /// `linux_banner` with its line feed: what Volatility searches memory for.
    private func banner() throws(IntrospectionError) -> [UInt8] {
        let place = try kernel.address(of: "linux_banner")
        return try reading { () throws(ReadError) in
            let bytes = try kernel.bytes(at: place, count: 512)
            guard let end = bytes.firstIndex(of: 0) else {
                throw .inconsistent("the kernel's banner does not end")
            }
            return Array(bytes[..<end])
        }
    }

    // MARK: Types

    private func writeBases(_ output: inout JSONOutput) {
        var known: Set<String> = []
        func write(_ base: BaseType) {
            guard known.insert(base.name).inserted else { return }
            output.key(base.name)
            output.object { output in
                output.member("size", base.size)
                output.member("signed", base.isSigned)
                output.member("kind", base.kind)
                output.member("endian", "little")
            }
        }
        for number in 1..<max(types.count, 1) {
            if let type = types.type(number), let base = BaseType(type, in: types) { write(base) }
        }
        for base in BaseType.standard { write(base) }
    }

    private func writeEnumerations(_ output: inout JSONOutput) {
        for (type, name) in names.all where type.kind == .enumeration || type.kind == .enumeration64 {
            output.key(name)
            output.object { output in
                output.member("size", type.size)
                output.member(
                    "base", BaseType.integer(size: type.size, isSigned: types.isSigned(type)))
                output.key("constants")
                output.object { output in
                    var known: Set<String> = []
                    for value in types.values(of: type) where known.insert(value.name).inserted {
                        output.member(value.name, Int(value.value))
                    }
                }
            }
        }
    }

    private func writeStructures(_ output: inout JSONOutput) {
        let writer = TypeWriter(types: types, names: names)
        for (type, name) in names.all where type.kind == .structure || type.kind == .union {
            output.key(name)
            output.object { output in
                output.member("kind", type.kind == .union ? "union" : "struct")
                output.member("size", type.size)
                output.key("fields")
                output.object { writer.writeFields(of: type, to: &$0) }
            }
        }
    }

    // MARK: Symbols

    private func writeSymbols(_ output: inout JSONOutput, _ banner: [UInt8]) {
        let writer = TypeWriter(types: types, names: names)
        let variables = variables()
        var known: Set<String> = []
        for symbol in kernel.symbols.all where known.insert(symbol.name).inserted {
            var address = symbol.address.rawValue
            // Per-CPU variables are numbers from the beginning of each CPU's area, which is not moved.
            if symbol.address.isKernel { address &-= UInt64(bitPattern: kernel.virtualSlide) }
            output.key(symbol.name)
            output.object { output in
                output.member("address", unsigned: address)
                if let type = variables[symbol.name] {
                    output.key("type")
                    writer.write(type, to: &output)
                } else if let type = WellKnownSymbol.types[symbol.name] {
                    output.key("type")
                    writer.write(type, to: &output)
                }
                if symbol.name == "linux_banner" { output.member("constant_data", base64: banner) }
            }
        }
    }

    /// The types of variables that BTF itself tells: the per-CPU ones.
    private func variables() -> [String: Int] {
        var found: [String: Int] = [:]
        for number in 1..<max(types.count, 1) {
            if let type = types.type(number), type.kind == .variable {
                found[types.text(type.nameOffset)] = type.target
            }
        }
        return found
    }
}
