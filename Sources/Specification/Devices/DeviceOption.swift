public import JSONText

/// An option of the command line that describes a virtio device by keys and values.
public enum DeviceOption: CaseIterable, Sendable {
    /// `--disk`, which may be given many times.
    case disk
    /// `--net`, which may be given many times.
    case net
    /// `--vsock`.
    case vsock
    /// `--balloon`, which needs no value.
    case balloon
    /// `--rng`, which needs no value.
    case rng

    /// Why a value of an option is wrong, in one line that names the key.
    public struct Mistake: Error, Equatable, CustomStringConvertible {
        /// The line.
        public let description: String
    }

    /// The option, with its dashes.
    public var flag: String {
        switch self {
        case .disk: "--disk"
        case .net: "--net"
        case .vsock: "--vsock"
        case .balloon: "--balloon"
        case .rng: "--rng"
        }
    }

    /// The specification's field that it sets.
    public var field: String {
        switch self {
        case .disk: "disks"
        case .net: "nets"
        case .vsock: "vsock"
        case .balloon: "balloon"
        case .rng: "rng"
        }
    }

    /// Whether it may be given many times; its field is then an array.
    public var repeats: Bool { self == .disk || self == .net }

    /// Whether it may be given without a value, which then is `standardValue`.
    public var valueIsOptional: Bool { self == .balloon || self == .rng }

    /// What an option without a value stands for: everything at its default.
    public static let standardValue = "on"

    /// Whether the word behind an option that needs no value is its value: a list, or `standardValue`.
    /// Anything else, such as `disk.img` or `./a=b`, is no list but the next argument.
    public static func isValue(_ word: String) -> Bool {
        guard word != standardValue else { return true }
        let key = word.utf8.prefix { $0 != UInt8(ascii: "=") }
        guard key.count < word.utf8.count, let first = key.first, first != UInt8(ascii: "-") else {
            return false
        }
        return key.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
        }
    }

    /// Reads the option's value, checks it, and answers its JSON: an object.
    public func json(_ text: String) throws(Mistake) -> JSONValue {
        switch self {
        case .disk: try Self.read(text, as: DiskSpec.self, canBeEmpty: false)
        case .net: try Self.read(text, as: NetSpec.self, canBeEmpty: false)
        case .vsock: try Self.read(text, as: VsockSpec.self, canBeEmpty: false)
        case .balloon: try Self.read(text, as: BalloonSpec.self, canBeEmpty: true)
        case .rng: try Self.read(text, as: EntropySpec.self, canBeEmpty: true)
        }
    }

    private static func read<Device: KeyedSpec>(
        _ text: String, as device: Device.Type, canBeEmpty: Bool
    ) throws(Mistake) -> JSONValue {
        if canBeEmpty, text == standardValue { return .object([]) }
        let hint = "; the keys are \(Device.keys.map(\.name).joined(separator: ", "))"
        let items: [KeyValueList.Item]
        do {
            items = try KeyValueList(text, mainKey: Device.mainKey).items
        } catch {
            throw Mistake(description: "\(error)\(hint)")
        }
        var members: [JSONMember] = []
        for item in items {
            guard let key = Device.keys.first(where: { $0.name == item.key }) else {
                if let main = Device.mainKey, item.key.utf8.contains(UInt8(ascii: "/")) {
                    throw Mistake(
                        description:
                            "there is no key \(item.key); a path with = is written \(main)=PATH\(hint)")
                }
                let nearest = Spelling.nearest(to: item.key, among: Device.keys.map(\.name))
                let question = nearest.map { ", did you mean \($0)?" } ?? ""
                throw Mistake(description: "there is no key \(item.key)\(question)\(hint)")
            }
            members.append(JSONMember(key.field, key.json(item.value)))
        }
        let json = JSONValue.object(members)
        do {
            _ = try Device(FieldReader(json))
        } catch {
            throw mistake(error, items, Device.keys, hint)
        }
        return json
    }

    /// What is wrong with a device's JSON, in the words of the option that it was made of.
    private static func mistake(
        _ error: SpecError, _ items: [KeyValueList.Item], _ keys: [DeviceKey], _ hint: String
    ) -> Mistake {
        let key = keys.first { $0.field == error.field }
        let error = error.naming { _ in key?.name ?? "" }
        switch error {
        case .missing:
            return Mistake(description: error.reason + hint)
        case .wrongType(let field, _, let allowed, _):
            // It stayed a string because it is not what its key takes.
            let value = items.first { $0.key == field }?.value ?? ""
            return Mistake(
                description: SpecError.invalid(
                    field: field, value: .string(value), allowed: key?.kind == .onOff ? "on or off" : allowed
                ).reason)
        default:
            return Mistake(description: error.reason)
        }
    }
}

extension DeviceKey {
    /// A value of this key as JSON; one that is not of the key's kind stays a string, and is refused as such.
    fileprivate func json(_ text: String) -> JSONValue {
        switch kind {
        case .text:
            return .string(text)
        case .number:
            guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = UInt64(text)
            else { return .string(text) }
            return JSONValue(number)
        case .onOff:
            switch text {
            case "on": return .boolean(true)
            case "off": return .boolean(false)
            default: return .string(text)
            }
        }
    }
}
