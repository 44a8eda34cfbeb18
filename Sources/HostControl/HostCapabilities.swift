public import HostSystem
internal import Glibc

/// What this host allows: which mechanism divides its processors, and why no better one does.
public struct HostCapabilities: Sendable, Equatable {
    /// The best mechanism there is.
    public let mechanism: CPUMechanism
    /// Why each better one cannot be used and what to do about it, a sentence each, the best one first.
    public let remarks: [String]
    /// The processors that machines may use: those this process may.
    public let processors: ProcessorSet
    /// The processor time this process and all its machines may have together, in millionths of a processor: all
    /// its processors, or less if one of the groups above has a limit.
    public let capacity: Int
    /// Why the host's pressure (PSI) cannot be read; nil if it can.
    public let pressureProblem: String?
    let places: ControlPlaces
    /// Groups to which this process must move, lest it be limited with the machine in whose group it was started.
    let departures: [String]

    /// Looks at this host. It changes nothing.
    ///
    /// - Parameter choice: what it may be divided by.
    public static func discover(
        _ files: HostFiles = HostFiles(), choice: MechanismChoice = .best
    ) -> HostCapabilities {
        HostDiscovery(files: files, choice: choice).capabilities()
    }

    /// What `roost host` prints about it, a sentence a line.
    public var lines: [String] {
        var lines = ["machines are divided by \(mechanism)"]
        if let place = places.description { lines[0] += ", below \(place)" }
        lines += remarks
        let capacityText =
            "\(capacity / 1_000_000).\(String(capacity % 1_000_000 / 10_000 + 100).dropFirst())"
        lines.append("processors for machines: \(processors) (time of \(capacityText) processors)")
        if let pressureProblem { lines.append(pressureProblem) }
        return lines
    }
}

/// The directories in which groups are made.
enum ControlPlaces: Sendable, Equatable {
    /// Version 2: the group that is divided; whether this process must leave it first.
    case unified(base: String, mustLeave: Bool)
    /// Version 1: this process's groups, which may be one directory.
    case legacy(cpu: String, accounting: String)
    case nowhere

    var description: String? {
        switch self {
        case .unified(let base, _): base
        case .legacy(let cpu, _): cpu
        case .nowhere: nil
        }
    }
}
