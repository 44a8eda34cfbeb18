@testable import Introspection
import MachineTesting
import Testing

@Suite("Kernel symbols") struct KernelSymbolsTests {
    /// Every form that was ever written; those that count from their own place know no absolute symbols.
    static let forms = KallsymsImage.Layout.allCases.flatMap { layout in
        (layout == .selfRelative ? [false] : [true, false]).map { (layout, $0) }
    }

    private func read(_ image: KallsymsImage) throws -> SymbolTable {
        try KernelSymbols.read(image.bytes, at: VirtualAddress(KallsymsImage.start))
    }

    @Test("Every name has its address and kind", arguments: forms)
    func all(layout: KallsymsImage.Layout, hasAbsolute: Bool) throws {
        let image = KallsymsImage.kernel(layout, hasAbsolutePerCPU: hasAbsolute)
        let table = try read(image)
        #expect(table.base == VirtualAddress(KallsymsImage.start))
        #expect(table.hasVariables)
        let expected = image.entries.map {
            Symbol(name: $0.name, address: VirtualAddress($0.address), kind: $0.kind)
        }
        #expect(table.all == expected)
        for entry in image.entries where entry.name != "modules" {
            #expect(table.address(of: entry.name) == VirtualAddress(entry.address))
        }
        #expect(table.all(named: "modules").count == 2)
        #expect(table.address(of: "no such name") == nil)
    }

    @Test("At another slide the image's symbols move, and absolute ones stay")
    func slides() throws {
        var table = try read(KallsymsImage.kernel(.longNames, hasAbsolutePerCPU: true))
        table.base = VirtualAddress(KallsymsImage.start + 0x40_0000)
        #expect(table.address(of: "_text") == VirtualAddress(KallsymsImage.start + 0x40_0000))
        #expect(table.address(of: "function_number7") == VirtualAddress(KallsymsImage.start + 0x40_01C0))
        #expect(table.address(of: "runqueues") == VirtualAddress(0x34C40))
        #expect(table.address(of: "fixed_percpu_data") == .null)

        var other = try read(KallsymsImage.kernel(.longNames, hasAbsolutePerCPU: false))
        let before = try #require(other.address(of: "runqueues"))
        other.base = VirtualAddress(KallsymsImage.start + 0x40_0000)
        #expect(other.address(of: "runqueues") == before + 0x40_0000)
    }

    @Test("An address is told by the symbol before it") func byAddress() throws {
        let table = try read(KallsymsImage.kernel(.offsetsLast, hasAbsolutePerCPU: true))
        let found = try #require(table.symbol(at: VirtualAddress(KallsymsImage.start + 64 * 9 + 5)))
        #expect(found.symbol.name == "function_number9")
        #expect(found.distance == 5)
        // Before the first, behind the last, and among the absolute ones nothing is.
        #expect(table.symbol(at: VirtualAddress(KallsymsImage.start - 1)) == nil)
        #expect(table.symbol(at: VirtualAddress(.max)) == nil)
        #expect(table.symbol(at: VirtualAddress(0x34C48)) == nil)
    }

    @Test("A kernel that names functions only says so") func functionsOnly() throws {
        let table = try read(
            KallsymsImage.kernel(.offsetsLast, hasAbsolutePerCPU: true, hasVariables: false))
        #expect(!table.hasVariables)
        #expect(table.address(of: "function_number1") != nil)
        let kernel = FakeGuest(symbols: table).kernel
        #expect {
            try kernel.address(of: "init_task")
        } throws: {
            "\($0)"
                == "this kernel has no symbol init_task, for it was built without CONFIG_KALLSYMS_ALL and "
                + "names no variables"
        }
    }

    @Test("Without _text the image begins where it was found") func noText() throws {
        var image = KallsymsImage.kernel(.offsetsLast, hasAbsolutePerCPU: true)
        image = KallsymsImage(
            .offsetsLast, hasAbsolutePerCPU: true, entries: image.entries.filter { $0.name != "_text" })
        #expect(try read(image).base == VirtualAddress(KallsymsImage.start))
        #expect(throws: KernelSymbols.Failure.noImageStart) {
            try KernelSymbols.read(image.bytes, at: nil)
        }
    }

    @Test("Truncated tables are refused, or tell all the same", arguments: forms)
    func truncated(layout: KallsymsImage.Layout, hasAbsolute: Bool) {
        let image = KallsymsImage.kernel(layout, hasAbsolutePerCPU: hasAbsolute)
        var refused = 0
        for count in stride(from: 4096, to: image.bytes.count, by: 4001) {
            let part = Array(image.bytes[..<count])
            // The order by name, which some have at the end, is not needed.
            if let table = try? KernelSymbols.read(part, at: VirtualAddress(KallsymsImage.start)) {
                #expect(table.all.map(\.name) == image.entries.map(\.name))
            } else {
                refused += 1
            }
        }
        #expect(refused > 4)
    }

    @Test("Tables with wrong bits are refused, or all they tell can be asked for", arguments: forms)
    func mutated(layout: KallsymsImage.Layout, hasAbsolute: Bool) throws {
        let image = KallsymsImage.kernel(layout, hasAbsolutePerCPU: hasAbsolute)
        var random = SeededGenerator(seed: 11)
        var refused = 0
        for _ in 0..<40 {
            var bytes = image.bytes
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = Int.random(in: 4096..<bytes.count - 4096, using: &random)
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            guard let table = try? KernelSymbols.read(bytes, at: VirtualAddress(KallsymsImage.start)) else {
                refused += 1
                continue
            }
            #expect(table.count == image.entries.count)
            _ = table.symbol(at: VirtualAddress(random.next()))
            _ = table.symbol(at: VirtualAddress(KallsymsImage.start + random.next() % 0x200_0000))
            _ = table.symbol(number: Int.random(in: 0..<table.count, using: &random))
        }
        #expect(refused > 0)
    }

    @Test("Memory full of what looks like tables comes to an end") func hostile() {
        let digits = TokenTable.digits
        let full = [[UInt8]](repeating: digits, count: 40_000).flatMap { $0 }
        #expect(throws: KernelSymbols.Failure.noTokens) { try KernelSymbols.read(full, at: nil) }
        // Right tokens, and before them nothing but numbers of symbols.
        let image = KallsymsImage.kernel(.offsetsLast, hasAbsolutePerCPU: true)
        let counts = [[UInt8]](repeating: [0xD0, 7, 0, 0, 0, 0, 0, 0], count: 60_000).flatMap { $0 }
        guard let tokens = TokenTable.find(in: ByteTable(image.bytes)) else {
            Issue.record("the tokens are not found")
            return
        }
        #expect(throws: KernelSymbols.Failure.noNames) {
            try KernelSymbols.read(counts + image.bytes[tokens.start...], at: nil)
        }
    }

    @Test("Kept tables are checked") func kept() throws {
        let table = try read(KallsymsImage.kernel(.offsetsLast, hasAbsolutePerCPU: true))
        func kept(
            starts: [UInt32]? = nil, index: [UInt64]? = nil, sorted: [UInt32]? = nil
        ) -> SymbolTable? {
            SymbolTable(
                base: VirtualAddress(KallsymsImage.start), offsets: table.offsets, names: table.names,
                starts: starts ?? table.starts, index: index ?? table.byName.entries,
                sorted: sorted ?? table.sorted)
        }
        #expect(kept()?.all == table.all)
        #expect(kept()?.address(of: "runqueues") == VirtualAddress(0x34C40))
        #expect(kept(starts: table.starts.dropLast()) == nil)
        #expect(kept(starts: table.starts.map { $0 + 1 }) == nil)
        #expect(kept(index: table.byName.entries.reversed()) == nil)
        #expect(kept(index: table.byName.entries.map { $0 | 0xFFFF }) == nil)
        #expect(kept(sorted: table.sorted.map { $0 + 1 }) == nil)
    }
}
