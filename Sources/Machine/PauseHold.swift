/// Keeps a machine still for as long as it exists, unless `Machine.endAllPauses` says otherwise.
///
/// Whoever has it cannot forget to let go: it ends with its owner, be that a connection of which nothing is left.
struct PauseHold: ~Copyable {
    private let machine: Machine
    private let hold: PauseReasons.Hold

    init(of machine: Machine, _ hold: PauseReasons.Hold) {
        self.machine = machine
        self.hold = hold
    }

    /// Whether it is in force still.
    var isInForce: Bool { machine.isInForce(hold) }

    /// Lets go.
    ///
    /// - Returns: whether it was in force until now.
    consuming func release() -> Bool { machine.end(hold) }

    // A second end of the same hold is none.
    deinit { _ = machine.end(hold) }
}
