/// A piece of ACPI machine language: the encoded form of one or more terms (ACPI 6.5, 20.2).
struct AML: Equatable {
    let bytes: [UInt8]

    fileprivate init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Terms in a row.
    init(_ terms: [AML]) {
        bytes = terms.flatMap(\.bytes)
    }
}

/// A name of the ACPI namespace: `_SB.PWRB`, relative to where it stands, or `\_SB.PWRB`, from the
/// root. All names are made here, in this module, and their parts have one to four characters.
struct AMLName: ExpressibleByStringLiteral {
    fileprivate let bytes: [UInt8]

    init(stringLiteral path: String) {
        self.init(path)
    }

    init(_ path: String) {
        var bytes: [UInt8] = []
        var segments = path[...]
        if segments.hasPrefix("\\") {
            bytes.append(UInt8(ascii: "\\"))
            segments = segments.dropFirst()
        }
        let parts = segments.split(separator: ".")
        switch parts.count {
        case 1: break
        case 2: bytes.append(0x2E)
        default: bytes += [0x2F, UInt8(parts.count)]
        }
        for part in parts {
            precondition((1...4).contains(part.utf8.count), "an ACPI name's part has one to four characters")
            bytes += part.utf8
            bytes += repeatElement(UInt8(ascii: "_"), count: 4 - part.utf8.count)
        }
        self.bytes = bytes
    }
}

// MARK: - Data

extension AML {
    /// An integer, in the shortest form there is.
    static func integer(_ value: UInt64) -> AML {
        var bytes: [UInt8]
        switch value {
        case 0, 1: return AML([UInt8(value)])
        case ...0xFF: bytes = [0x0A, UInt8(value)]
        case ...0xFFFF:
            bytes = [0x0B]
            bytes.append(integer: UInt16(value))
        case ...0xFFFF_FFFF:
            bytes = [0x0C]
            bytes.append(integer: UInt32(value))
        default:
            bytes = [0x0E]
            bytes.append(integer: value)
        }
        return AML(bytes)
    }

    /// An ASCII string.
    static func string(_ text: String) -> AML {
        AML([0x0D] + Array(text.utf8) + [0])
    }

    /// An EISA identifier as a number: three capital letters of five bits each and four hexadecimal
    /// digits, the most significant byte first (ACPI 6.5, 19.6.37).
    static func eisaIdentifier(_ text: String) -> AML {
        let characters = Array(text.utf8)
        let digits = UInt16(text.dropFirst(3), radix: 16)
        guard characters.count == 7, let digits else {
            preconditionFailure("an EISA identifier has three letters and four hexadecimal digits")
        }
        let letters = characters.prefix(3).reduce(0 as UInt16) { $0 << 5 | UInt16($1 & 0x1F) }
        return integer(UInt64((UInt32(letters) << 16 | UInt32(digits)).byteSwapped))
    }

    /// A package of at most 255 elements.
    static func package(_ elements: [AML]) -> AML {
        counted([0x12], [UInt8(elements.count)] + AML(elements).bytes)
    }

    /// A buffer with these contents.
    static func buffer(_ contents: [UInt8]) -> AML {
        counted([0x11], integer(UInt64(contents.count)).bytes + contents)
    }
}

// MARK: - Objects

extension AML {
    /// A named value.
    static func name(_ name: AMLName, _ value: AML) -> AML {
        AML([0x08] + name.bytes + value.bytes)
    }

    /// More objects of a scope that exists.
    static func scope(_ name: AMLName, _ objects: [AML]) -> AML {
        counted([0x10], name.bytes + AML(objects).bytes)
    }

    /// A device.
    static func device(_ name: AMLName, _ objects: [AML]) -> AML {
        counted([0x5B, 0x82], name.bytes + AML(objects).bytes)
    }

    /// A method that only one thread runs at a time.
    static func serializedMethod(_ name: AMLName, argumentCount: UInt8, _ body: [AML]) -> AML {
        counted([0x14], name.bytes + [argumentCount & 7 | 1 << 3] + AML(body).bytes)
    }
}

// MARK: - Statements and expressions

extension AML {
    /// The first argument of the method it stands in.
    static let argument0 = AML([0x68])

    /// What is done if the condition is not zero.
    static func ifTrue(_ condition: AML, _ body: [AML]) -> AML {
        counted([0xA0], condition.bytes + AML(body).bytes)
    }

    /// Whether two integers are equal.
    static func equal(_ left: AML, _ right: AML) -> AML {
        AML([0x93] + left.bytes + right.bytes)
    }

    /// Tells the system that something happened to an object.
    static func notify(_ object: AMLName, _ value: UInt64) -> AML {
        AML([0x86] + object.bytes + integer(value).bytes)
    }

    /// An operation, the length of what follows in the shortest form, and that.
    ///
    /// The length counts its own bytes. One byte holds up to 63; more bytes hold four bits in the
    /// first, whose top two bits say how many follow, and eight in each of those (ACPI 6.5, 20.2.4).
    private static func counted(_ operation: [UInt8], _ contents: [UInt8]) -> AML {
        let short = contents.count + 1
        guard short > 0x3F else { return AML(operation + [UInt8(short)] + contents) }
        let following = contents.count + 2 <= 0xFFF ? 1 : contents.count + 3 <= 0xF_FFFF ? 2 : 3
        let length = contents.count + 1 + following
        var bytes = operation
        bytes.append(UInt8(following << 6 | length & 0xF))
        for index in 0..<following {
            bytes.append(UInt8(truncatingIfNeeded: length >> (4 + 8 * index)))
        }
        return AML(bytes + contents)
    }
}
