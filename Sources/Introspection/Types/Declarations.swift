extension TypeTable {
    /// A member by name, of unnamed structures inside too, with its place in the outermost.
    func member(named name: String, of type: KernelType) -> Member? {
        find(name, in: type)
    }

    /// The elements of an array type, as declared: not behind type names.
    func arrayElements(_ type: KernelType) -> (type: Int, count: Int)? {
        guard type.kind == .array, let element = table.load(UInt32.self, at: type.place + 12),
            let count = table.load(UInt32.self, at: type.place + 20)
        else { return nil }
        return (Int(element), Int(count))
    }

    /// The parameters of a function's type; type 0 as the last one stands for `...`.
    func parameters(of type: KernelType) -> [(name: String, type: Int)] {
        guard type.kind == .functionPrototype else { return [] }
        var parameters: [(name: String, type: Int)] = []
        for index in 0..<type.memberCount {
            guard let name = table.load(UInt32.self, at: type.place + 12 + index * 8),
                let number = table.load(UInt32.self, at: type.place + 16 + index * 8)
            else { break }
            parameters.append((text(Int(name)), Int(number)))
        }
        return parameters
    }
}
