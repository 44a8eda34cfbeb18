/// Names addresses of the kernel and its modules, as the kernel's own messages do.
final class CodeSymbols {
    private let kernel: Kernel
    /// The loaded modules; none if their list cannot be read.
    let modules: LoadedModules?
    private let text: [Range<UInt64>]

    init(_ kernel: Kernel) {
        self.kernel = kernel
        // A module list that is just being changed must not hide the kernel's own symbols.
        modules = try? LoadedModules(kernel)
        text = [("_stext", "_etext"), ("_sinittext", "_einittext")].compactMap { first, last in
            guard let start = kernel.symbols.address(of: first), let end = kernel.symbols.address(of: last),
                start < end
            else { return nil }
            return start.rawValue..<end.rawValue
        }
    }

    /// Whether there may be code at an address: in the kernel or a module.
    func isCode(_ address: VirtualAddress) -> Bool {
        text.contains { $0.contains(address.rawValue) }
            || modules?.module(at: address)?.parts.first?.contains(address.rawValue) == true
    }

    /// What lies at an address; nil if nothing is known there.
    func name(of address: VirtualAddress) -> NamedAddress? {
        if let module = modules?.module(at: address) {
            let symbols = (try? modules?.symbols(of: module)) ?? []
            var low = 0
            var high = symbols.count
            while low < high {
                let middle = (low + high) / 2
                if symbols[middle].address <= address { low = middle + 1 } else { high = middle }
            }
            guard low > 0 else { return nil }
            let end =
                low < symbols.count
                ? symbols[low].address.rawValue
                : module.parts.first { $0.contains(address.rawValue) }?.upperBound
            let start = symbols[low - 1].address.rawValue
            return NamedAddress(
                symbol: symbols[low - 1], distance: address.rawValue - start, size: end.map { $0 &- start },
                module: module.name)
        }
        guard kernel.mapping.physical(of: address) != nil, let found = kernel.symbols.symbol(at: address)
        else {
            return nil
        }
        return NamedAddress(
            symbol: found.symbol, distance: found.distance, size: kernel.symbols.size(of: found.symbol),
            module: nil)
    }

    /// The name of code that returns to `address`: the call may be the function's last instruction, so the
    /// byte before decides.
    func name(ofReturnTo address: VirtualAddress) -> NamedAddress? {
        name(of: address - 1).map { found in
            NamedAddress(
                symbol: found.symbol, distance: found.distance + 1, size: found.size, module: found.module)
        }
    }
}

/// An address by the symbol it lies in.
public struct NamedAddress: Equatable, Sendable, CustomStringConvertible {
    /// The symbol.
    public let symbol: Symbol
    /// How far behind the symbol's beginning.
    public let distance: UInt64
    /// The distance from the symbol to the next one; nil if there is none.
    public let size: UInt64?
    /// The module it is in; nil for the kernel itself.
    public let module: String?

    /// As the kernel prints it: `do_idle+0x208/0x260`, `ext4_get_block+0x10/0x40 [ext4]`.
    public var description: String {
        var text = symbol.name + "+0x" + String(distance, radix: 16)
        if let size { text += "/0x" + String(size, radix: 16) }
        if let module { text += " [\(module)]" }
        return text
    }
}
