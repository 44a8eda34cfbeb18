internal import Specification

/// What can be looked at in a guest.
enum InspectView: String, CaseIterable {
    case os, ps, dmesg, modules, mem, files, maps, mounts, sockets, net, syms, type, read, walk, regs, bt, isf

    /// What it is asked for with, as people type it.
    private var arguments: String {
        switch self {
        case .os, .modules, .mem, .sockets, .net, .regs, .isf: ""
        case .ps: "[--tree | --threads]"
        case .dmesg: "[--follow]"
        case .files, .maps: "PID"
        case .mounts: "[PID]"
        case .syms: "NAME|NAME*|ADDR"
        case .type: "NAME[.MEMBER]"
        case .read: "ADDR LENGTH [--physical | --pid PID]"
        case .walk: "ADDR [--pid PID]"
        case .bt: "[PID]"
        }
    }

    /// What it shows.
    private var abstract: String {
        switch self {
        case .os: "the kernel: version, build, command line, uptime, and how it was found"
        case .ps: "processes"
        case .dmesg: "the kernel's log"
        case .modules: "loaded modules"
        case .mem: "memory as /proc/meminfo has it, reclaim, pressure, free blocks"
        case .files: "a process's open files"
        case .maps: "a process's memory areas"
        case .mounts: "mounted file systems"
        case .sockets: "TCP, UDP and UNIX sockets with their owners"
        case .net: "network devices with addresses and counters"
        case .syms: "symbols by name or address"
        case .type: "a type's declaration, with offsets"
        case .read: "bytes of memory"
        case .walk: "the page tables' entries for an address"
        case .regs: "each virtual CPU's registers, and what it runs"
        case .bt: "the kernel's stack of each virtual CPU, or of a task"
        case .isf: "symbols and types as a file for Volatility 3"
        }
    }

    /// How many words may follow the view's name.
    var argumentCount: ClosedRange<Int> {
        switch self {
        case .os, .ps, .dmesg, .modules, .mem, .sockets, .net, .regs, .isf: 0...0
        case .files, .maps, .syms, .walk: 1...1
        case .type: 1...2
        case .read: 2...2
        case .mounts, .bt: 0...1
        }
    }

    /// The view as it is typed.
    var usage: String { arguments.isEmpty ? rawValue : "\(rawValue) \(arguments)" }

    /// All of them, for people.
    static var help: String {
        let width = allCases.map(\.usage.count).max() ?? 0
        return "VIEWS\n"
            + allCases.map { view in
                "  " + view.usage + String(repeating: " ", count: width - view.usage.count + 2)
                    + view.abstract
            }.joined(separator: "\n")
    }

    init(_ word: String?) throws(CommandFailure) {
        let names = Self.allCases.map(\.rawValue)
        let all = "there are: \(names.joined(separator: ", "))"
        guard let word else { throw CommandFailure(.usage, "the view is missing; \(all)") }
        guard let view = InspectView(rawValue: word) else {
            let hint = Spelling.nearest(to: word, among: names).map { "did you mean '\($0)'?" }
            throw CommandFailure(.usage, "there is no view '\(word)'; \(hint ?? all)")
        }
        self = view
    }
}
