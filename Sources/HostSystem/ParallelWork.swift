/// A value that a thread of its own works out while whoever wants it does something else; on a host with one
/// processor it is worked out at once instead, since a thread would only cost.
///
/// Work that can fail has its error in the value, in an enumeration that is not generic: a generic type bound to
/// an error is checked by Swift's runtime when it is first used, by a search through all the program's
/// conformances, which takes longer than most of what starts a machine.
public final class ParallelWork<Value: Sendable>: Sendable {
    private let outcome = Monitor<Value?>(nil)
    private let thread: HostThread?

    /// Begins.
    ///
    /// - Parameter name: the thread's.
    public init(name: String, _ work: @escaping @Sendable () -> Value) {
        let isAlone = HostResources.availableProcessors < 2
        // Without a thread to be had it takes longer, and that is all.
        thread =
            isAlone
            ? nil
            : try? HostThread(name: name) { [outcome] in
                let value = work()
                outcome.update { $0 = value }
            }
        if thread == nil {
            let value = work()
            outcome.update { $0 = value }
        }
    }

    deinit {
        thread?.join()
    }

    /// Waits for it.
    public func value() -> Value {
        outcome.wait { $0 }
    }
}
