/// What structures, unions and enumerations are called where each needs a name of its own: BTF has unnamed
/// ones, and several of one name.
struct TypeNames {
    private var names: [Int: String] = [:]
    /// All that have a name, by number.
    let all: [(type: KernelType, name: String)]
    /// By name, for declarations whose definition is another type.
    private var numbers: [String: Int] = [:]

    init(_ types: TypeTable) {
        var aliases: [Int: String] = [:]
        var largest: [String: KernelType] = [:]
        var found: [KernelType] = []
        for number in 1..<max(types.count, 1) {
            guard let type = types.type(number) else { continue }
            switch type.kind {
            case .typeName:
                // `typedef struct { … } name` is known by that name alone.
                if aliases[type.target] == nil { aliases[type.target] = types.text(type.nameOffset) }
            case .structure, .union, .enumeration, .enumeration64:
                found.append(type)
                let name = types.text(type.nameOffset)
                if !name.isEmpty, type.size > largest[name]?.size ?? -1 { largest[name] = type }
            default: break
            }
        }
        var all: [(type: KernelType, name: String)] = []
        for type in found {
            let own = types.text(type.nameOffset)
            let name: String
            if own.isEmpty {
                let alias = aliases[type.number] ?? ""
                name = alias.isEmpty || largest[alias] != nil ? "unnamed_\(type.number)" : alias
            } else {
                // Several of one name: the largest is the definition that people mean.
                name = largest[own]?.number == type.number ? own : "\(own)__\(type.number)"
            }
            guard numbers[name] == nil else { continue }
            numbers[name] = type.number
            names[type.number] = name
            all.append((type, name))
        }
        self.all = all
    }

    /// The name of a type by its number; nil if it has none.
    func name(of number: Int) -> String? { names[number] }

    /// Whether there is a structure, union or enumeration of that name.
    func contains(_ name: String) -> Bool { numbers[name] != nil }
}
