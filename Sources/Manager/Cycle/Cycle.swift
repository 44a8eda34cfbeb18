internal import HostControl
internal import HostSystem
internal import Resources
internal import Stages
internal import Stats

/// Observe → estimate → decide → enforce: four stages, each with a queue of bounded length and numbers of its
/// own. If one falls behind, its queue is full and the one before it drops what it has: the next look brings
/// all again, since totals are measured.
final class Cycle {
    static let declarations = ["observe", "estimate", "decide", "enforce"].map {
        StatsDeclaration($0, StageShape.usual.shape)
    }
    /// The most events that wait for a stage.
    private static let queueLimit = 4

    private let observation: Stage<UInt64>
    private let estimation: Stage<Observation>
    private let decision: Stage<Observation>
    private let enforcement: Stage<Void>

    init(of core: ManagerCore, meters: [StatsSection]) {
        let loop = core.loop
        func rule() -> AdmissionRule { AdmissionRule(queueLimit: Self.queueLimit) }
        let batch = BatchController(minimum: 1, maximum: Self.queueLimit)
        let interval = core.configuration.decisionInterval

        let enforcement = Stage<Void>(
            on: loop, rule: rule(), batch: batch, meter: StageMeter(meters[3])
        ) { [unowned core] _ in core.enforce() }
        let decision = Stage<Observation>(
            on: loop, rule: rule(), batch: batch, meter: StageMeter(meters[2])
        ) { [unowned core] observations in
            for observation in observations { core.decide(observation) }
            enforcement.submit(())
        }
        let collected = Guarded(ObservationSum())
        let estimation = Stage<Observation>(
            on: loop, rule: rule(), batch: batch, meter: StageMeter(meters[1])
        ) { observations in
            for observation in observations {
                let sum = collected.withLock { $0.add(observation, every: interval) }
                if let sum { decision.submit(sum) } else { enforcement.submit(()) }
            }
        }
        observation = Stage<UInt64>(
            on: loop, rule: rule(), batch: batch, meter: StageMeter(meters[0])
        ) { [unowned core] times in
            if let time = times.last { estimation.submit(core.measure(at: time)) }
        }
        self.estimation = estimation
        self.decision = decision
        self.enforcement = enforcement
    }

    /// Looks at all machines, and does what follows.
    func observe(at now: UInt64) {
        observation.submit(now)
    }

    /// Decides without having looked: what is entitled has changed.
    func decideNow(at now: UInt64) {
        decision.submit(Observation(time: now, virtualMachines: []))
    }
}
