import Foundation
import MachineTesting

/// What a machine does at one moment: the counts and the registers of its virtual CPUs.
struct MachineLook {
    struct Processor {
        /// By the control socket.
        var isRunnable: Bool
        var registers: [String: JSONValue]
        /// How many of its exits reached Roost, by kind. Looking at registers interrupts it: that does not count.
        var exits: [String: Int]
        /// KVM's own counts, by their names.
        var kvm: [String: Int]
    }

    var processors: [Int: Processor] = [:]
    /// The machine's process, and how much memory the guest has.
    private(set) var process: Int?
    private(set) var memoryBytes: Int?
    /// Why there is nothing to see.
    var remark: String?

    init(remark: String) { self.remark = remark }

    /// From the answers of `roost stats --json` and of the control socket's `registers`.
    init(statistics: [UInt8], registers: [UInt8]) throws {
        let decoder = JSONDecoder()
        let statistics = try decoder.decode(Statistics.self, from: Data(statistics))
        let counts = statistics.processors
        (process, memoryBytes) = (statistics.process, statistics.memory.configured)
        for registers in try decoder.decode(Answer.self, from: Data(registers)).result.cpus {
            guard case .number(let number) = registers["cpu"],
                let counts = counts.first(where: { $0.number == number })
            else { throw TestFailure("a processor without a number or without counts: \(registers)") }
            processors[number] = Processor(
                isRunnable: registers["activity"] == .text("runnable"), registers: registers,
                exits: counts.exits.filter { $0.key != "interrupted" },
                kvm: counts.kvm.compactMapValues {
                    if case .number(let count) = $0 { count } else { nil }
                })
        }
    }

    private struct Statistics: Decodable {
        struct Processor: Decodable {
            let number: Int
            let exits: [String: Int]
            let kvm: [String: JSONValue]
        }

        struct Memory: Decodable {
            let configured: Int
        }

        let process: Int
        let memory: Memory
        let processors: [Processor]
    }

    private struct Answer: Decodable {
        struct Result: Decodable {
            let cpus: [[String: JSONValue]]
        }

        let result: Result
    }

    /// What the counts were and by how much they grew, the registers of the first and the last look, and the code.
    static func describe(_ looks: [MachineLook]) -> String {
        guard let first = looks.first, let last = looks.last else { return "nothing seen" }
        var lines = looks.compactMap(\.remark)
        for (number, before) in first.processors.sorted(by: { $0.key < $1.key }) {
            guard let after = last.processors[number] else { continue }
            lines.append("processor \(number), exits to Roost: \(growth(before.exits, after.exits))")
            lines.append("processor \(number), by KVM: \(growth(before.kvm, after.kvm))")
            for registers in [before.registers, after.registers] {
                let words = registers.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                lines.append("processor \(number), registers: \(words.joined(separator: " "))")
            }
            lines.append("processor \(number), code: \(last.code(of: after))")
        }
        return lines.joined(separator: "\n")
    }

    /// What lies where the processor is, or why that cannot be told.
    private func code(of processor: Processor) -> String {
        func register(_ name: String) -> UInt64? {
            guard case .text(let text) = processor.registers[name] else { return nil }
            return UInt64(text.dropFirst("0x".count), radix: 16)
        }
        guard let process, let memoryBytes, let address = register("rip"), let pageTable = register("cr3")
        else {
            return "no address"
        }
        do {
            return try GuestCode(process: process, memoryBytes: memoryBytes).around(
                address, pageTable: pageTable)
        } catch {
            return "\(error)"
        }
    }

    /// The counts that are not zero, those that grew with what they grew by.
    private static func growth(_ before: [String: Int], _ after: [String: Int]) -> String {
        after.sorted { $0.key < $1.key }.compactMap { name, count in
            let grown = count - (before[name] ?? 0)
            return count == 0 ? nil : grown == 0 ? "\(name)=\(count)" : "\(name)=\(count) (+\(grown))"
        }.joined(separator: " ")
    }
}

/// Whatever JSON may hold here: whole numbers, texts, and what is made of them.
enum JSONValue: Decodable, Equatable, CustomStringConvertible {
    case number(Int)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([JSONValue].self) {
            self = .list(list)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .text(let text): text
        case .list(let list): "\(list)"
        case .object(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
                + "}"
        }
    }
}
