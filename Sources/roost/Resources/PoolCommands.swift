internal import ArgumentParser
internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

/// `roost pool`.
struct PoolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pool",
        abstract: "Makes, removes and lists resource pools.",
        discussion: """
            A pool is a part of the host's CPUs that machines and other pools divide among themselves; \
            web/frontend is the pool frontend in the pool web. 'roost set' changes one.

            EXAMPLES
              roost pool create web --cpu-shares high --cpu-limit 150%
              roost pool create web/frontend --parents
              roost pool ls
              roost pool rm web/frontend web
            """,
        subcommands: [PoolCreateCommand.self, PoolRemoveCommand.self, PoolListCommand.self])
}

/// `roost pool create`.
struct PoolCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Makes a resource pool.",
        usage: "roost pool create [<options>] <PATH>",
        discussion: """
            EXAMPLES
              roost pool create web --cpu-shares high --cpu-reservation 100%
              roost pool create web/frontend --parents --cpu-limit 50%
            """)

    @Argument(help: .init("Where it is to be, such as web or web/frontend.", valueName: "PATH"))
    var path: String

    @OptionGroup var resources: ResourceOptions

    @Flag(
        inversion: .prefixedNo,
        help: "Whether members may reserve more than the pool does, from the pool around it.")
    var expandable = true

    @Flag(name: .shortAndLong, help: "Make the pools around it too, if they are missing.")
    var parents = false

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        let path = try ResourceOptions.ownPool(path, "PATH")
        let settings = PoolChange(cpu: try resources.change(), isExpandable: expandable)
        do { _ = try settings.applied(to: .normal) } catch { throw CommandFailure(error) }
        let manager = Manager(place.directory)
        if parents { try makeParents(of: path, manager) }
        let answer = try manager.askStarting("POST", .pools, NewPool(path: path, settings: settings).json)
        let report = try Manager.understood { () throws(ManagerProblem) in try PoolReport(json: answer) }
        try StandardOutput.write(json ? answer.versioned.text(.pretty) : report.sentence)
    }

    /// Makes the pools around a pool, the outermost first, where they are missing.
    private func makeParents(of path: PoolPath, _ manager: Manager) throws(CommandFailure) {
        guard let parent = path.parent, !parent.isRoot else { return }
        try makeParents(of: parent, manager)
        do throws(CommandFailure) {
            try manager.askStarting("POST", .pools, NewPool(path: parent).json)
        } catch {
            // One that is there already is as wished.
            guard error.problem == .exists else { throw error }
        }
    }
}

/// `roost pool rm`.
struct PoolRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Removes resource pools that are empty.",
        discussion: """
            EXAMPLES
              roost pool rm web/frontend web
            """)

    @Argument(help: .init("The pools' paths, inner ones first.", valueName: "PATH"))
    var paths: [String]

    @OptionGroup var place: Place

    func run() throws {
        let manager = Manager(place.directory)
        try forEachMachine(paths) { text in
            try manager.ask("DELETE", .pool(try ResourceOptions.ownPool(text, "PATH")))
        }
    }
}

/// `roost pool ls`.
struct PoolListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "Lists the resource pools.",
        discussion: """
            Amounts are percentages of one CPU. ENTITLED is what a pool's members may have now, \
            UNRESERVED what they may still reserve.

            EXAMPLES
              roost pool ls
              roost pool ls --json
            """)

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        let manager = Manager(place.directory)
        guard !json else {
            try StandardOutput.write(try manager.ask("GET", .pools).versioned.text(.pretty))
            return
        }
        var table = TextTable([
            "POOL", "SHARES", "RESERVED", "LIMIT", "EXPANDABLE", "MACHINES", "ENTITLED", "UNRESERVED",
        ])
        for pool in try manager.pools() {
            let cpu = pool.settings.cpu
            table.add([
                "\(pool.path)", "\(cpu.shares)", ResourceText.reserved(cpu.reservation),
                ResourceText.percent(cpu.limit), pool.settings.isExpandable ? "yes" : "no",
                "\(pool.machines)", ResourceText.percent(pool.entitlement),
                ResourceText.percent(pool.unreserved),
            ])
        }
        try StandardOutput.write(table.lines.joined(separator: "\n"))
    }
}
