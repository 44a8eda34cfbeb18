/// A type that is a number and nothing else, as a symbol file declares it.
struct BaseType {
    let name: String
    let size: Int
    let isSigned: Bool
    /// `int`, `char`, `bool`, `float` or `void`.
    let kind: String

    init(_ name: String, size: Int, isSigned: Bool, kind: String = "int") {
        self.name = name
        self.size = size
        self.isSigned = isSigned
        self.kind = kind
    }

    /// A type of BTF; nil if it is not one of these.
    init?(_ type: KernelType, in types: TypeTable) {
        let name = types.text(type.nameOffset)
        guard !name.isEmpty, (1...16).contains(type.size) else { return nil }
        switch type.kind {
        case .integer:
            let isCharacter = ["char", "signed char", "unsigned char"].contains(name)
            self.init(
                name, size: type.size, isSigned: types.isSigned(type),
                kind: name == "_Bool" ? "bool" : isCharacter ? "char" : "int")
        case .floating: self.init(name, size: type.size, isSigned: true, kind: "float")
        default: return nil
        }
    }

    /// What readers take for granted, under the names that both compilers use.
    static let standard = [
        BaseType("void", size: 0, isSigned: false, kind: "void"),
        BaseType("pointer", size: 8, isSigned: false),
        BaseType("_Bool", size: 1, isSigned: false, kind: "bool"),
        BaseType("char", size: 1, isSigned: true, kind: "char"),
        BaseType("unsigned char", size: 1, isSigned: false, kind: "char"),
        BaseType("short", size: 2, isSigned: true), BaseType("unsigned short", size: 2, isSigned: false),
        BaseType("short int", size: 2, isSigned: true),
        BaseType("short unsigned int", size: 2, isSigned: false),
        BaseType("int", size: 4, isSigned: true), BaseType("unsigned int", size: 4, isSigned: false),
        BaseType("long", size: 8, isSigned: true), BaseType("unsigned long", size: 8, isSigned: false),
        BaseType("long int", size: 8, isSigned: true),
        BaseType("long unsigned int", size: 8, isSigned: false),
        BaseType("long long int", size: 8, isSigned: true),
        BaseType("long long unsigned int", size: 8, isSigned: false),
    ]

    /// The standard integer of a size: what an enumeration is made of.
    static func integer(size: Int, isSigned: Bool) -> String {
        switch size {
        case 1: isSigned ? "char" : "unsigned char"
        case 2: isSigned ? "short" : "unsigned short"
        case 8: isSigned ? "long" : "unsigned long"
        default: isSigned ? "int" : "unsigned int"
        }
    }
}
