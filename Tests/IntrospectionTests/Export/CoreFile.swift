import Foundation
import MachineTesting

/// An ELF core as the System V ABI describes it (chapters 4 and 5), read without anything of Roost.
struct CoreFile {
    struct Part {
        let kind, flags: UInt32
        let offset, virtual, physical, fileSize, memorySize: UInt64
    }

    struct Note {
        let owner: String
        let kind: UInt32
        let content: Data
    }

    let identification: Data
    let fileKind, machine: UInt16
    let parts: [Part]
    let notes: [Note]

    init(_ bytes: Data) throws {
        func check(_ isRight: Bool, _ what: String) throws {
            if !isRight { throw TestFailure("the core: \(what)") }
        }
        try check(bytes.count > 64, "has no header")
        identification = bytes.prefix(16)
        fileKind = bytes.number(at: 16)
        machine = bytes.number(at: 18)
        let table: UInt64 = bytes.number(at: 32)
        let size: UInt16 = bytes.number(at: 54)
        let count: UInt16 = bytes.number(at: 56)
        try check(size == 56 && bytes.count >= Int(table) + Int(count) * 56, "has no table of parts")
        parts = (0..<Int(count)).map { index in
            let place = Int(table) + index * 56
            return Part(
                kind: bytes.number(at: place), flags: bytes.number(at: place + 4),
                offset: bytes.number(at: place + 8), virtual: bytes.number(at: place + 16),
                physical: bytes.number(at: place + 24), fileSize: bytes.number(at: place + 32),
                memorySize: bytes.number(at: place + 40))
        }
        var notes: [Note] = []
        for part in parts where part.kind == 4 {
            var place = Int(part.offset)
            let end = place + Int(part.fileSize)
            try check(end <= bytes.count, "ends within its notes")
            while place < end {
                let nameSize = Int(bytes.number(at: place) as UInt32)
                let size = Int(bytes.number(at: place + 4) as UInt32)
                let content = place + 12 + (nameSize + 3) / 4 * 4
                try check(content + size <= end, "has a note that does not end")
                let name = bytes[place + 12..<place + 12 + nameSize]
                try check(name.last == 0, "has an owner that does not end")
                notes.append(
                    Note(
                        owner: String(decoding: name.dropLast(), as: UTF8.self),
                        kind: bytes.number(at: place + 8), content: Data(bytes[content..<content + size])))
                place = content + (size + 3) / 4 * 4
            }
            try check(place == end, "has notes of another size than it says")
        }
        self.notes = notes
    }

    /// The memory's parts, in the order of the file.
    var memory: [Part] { parts.filter { $0.kind == 1 } }
}

extension Data {
    /// A little-endian number.
    func number<Value: FixedWidthInteger>(at place: Int) -> Value {
        (0..<MemoryLayout<Value>.size).reduce(0) {
            $0 | Value(self[startIndex + place + $1]) << Value(8 * $1)
        }
    }
}
