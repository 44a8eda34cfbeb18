internal import Introspection
internal import Specification

/// A view with what it was asked for, checked before the guest is touched.
enum ViewRequest {
    case os, dmesg, modules, mem, sockets, net, registers, symbolFile
    case processes(Listing)
    case files(process: Int32), areas(process: Int32), mounts(process: Int32)
    case symbols(String), type(String)
    case bytes(UInt64, count: Int, AddressScope), walk(VirtualAddress, AddressScope)
    case stacks(task: Int32?)

    /// How processes are listed.
    enum Listing {
        case plain, tree, threads
    }

    init(_ view: InspectView, _ words: [String], _ options: ViewOptions) throws(CommandFailure) {
        guard words.count >= view.argumentCount.lowerBound else {
            throw CommandFailure(.usage, "\(view.rawValue) needs more; use: \(view.usage)")
        }
        guard words.count <= view.argumentCount.upperBound else {
            let extra = words[view.argumentCount.upperBound]
            throw CommandFailure(.usage, "'\(extra)' is one argument too many; use: \(view.usage)")
        }
        try options.check(for: view)
        let first = words.first ?? ""
        switch view {
        case .os: self = .os
        case .dmesg: self = .dmesg
        case .modules: self = .modules
        case .mem: self = .mem
        case .sockets: self = .sockets
        case .net: self = .net
        case .regs: self = .registers
        case .isf: self = .symbolFile
        case .ps: self = .processes(options.tree ? .tree : options.threads ? .threads : .plain)
        case .files: self = .files(process: try Self.process(first))
        case .maps: self = .areas(process: try Self.process(first))
        case .mounts: self = .mounts(process: words.isEmpty ? 1 : try Self.process(first))
        case .syms: self = .symbols(first)
        case .type: self = .type(words.joined(separator: " "))
        case .read:
            let count = try Self.number(words[1], "a length")
            guard count <= BytesView.longestRead else {
                throw CommandFailure(
                    .usage, "\(words[1]) bytes are more than can be read at once, \(BytesView.longestRead)")
            }
            self = .bytes(try Self.address(first), count: Int(count), try options.scope)
        case .walk: self = .walk(VirtualAddress(try Self.address(first)), try options.scope)
        case .bt: self = .stacks(task: words.isEmpty ? nil : try Self.process(first))
        }
    }

    private static func process(_ word: String) throws(CommandFailure) -> Int32 {
        guard let number = Int32(word), number >= 0 else {
            throw CommandFailure(.usage, "'\(word)' is no process number of the guest")
        }
        return number
    }

    private static func address(_ word: String) throws(CommandFailure) -> UInt64 {
        guard word.hasPrefix("0x"), let number = UInt64(word.dropFirst(2), radix: 16) else {
            throw CommandFailure(.usage, "'\(word)' is no address; write it as 0xffffffff81000000")
        }
        return number
    }

    private static func number(_ word: String, _ what: String) throws(CommandFailure) -> UInt64 {
        let number = word.hasPrefix("0x") ? UInt64(word.dropFirst(2), radix: 16) : UInt64(word)
        guard let number else { throw CommandFailure(.usage, "'\(word)' is not \(what); write 64 or 0x40") }
        return number
    }
}

extension ViewOptions {
    /// Whose addresses are meant.
    var scope: AddressScope {
        get throws(CommandFailure) {
            guard let pid else { return physical ? .physical : .kernel }
            guard !physical else {
                throw CommandFailure(.usage, "--physical and --pid exclude each other")
            }
            guard pid > 0 else { throw CommandFailure(.usage, "--pid \(pid): there is no such process") }
            return .process(pid)
        }
    }

    /// Refuses flags that another view takes.
    func check(for view: InspectView) throws(CommandFailure) {
        let given: [(String, Bool, [InspectView])] = [
            ("--tree", tree, [.ps]), ("--threads", threads, [.ps]), ("--follow", follow, [.dmesg]),
            ("--pid", pid != nil, [.read, .walk]), ("--physical", physical, [.read]),
        ]
        for (flag, isGiven, views) in given where isGiven && !views.contains(view) {
            let names = views.map(\.rawValue).joined(separator: " and ")
            throw CommandFailure(.usage, "\(flag) belongs to \(names), not to \(view.rawValue)")
        }
        guard !(tree && threads) else {
            throw CommandFailure(.usage, "--tree and --threads exclude each other")
        }
    }
}
