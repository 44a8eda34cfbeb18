import MachineTesting

/// What KVM of the lab's kernel does: its trace points (events/kvm of tracefs), for a moment.
enum KVMTrace {
    /// The last lines of a tenth of a second: exits with their reasons, and what was injected. Why there is none, if so.
    static func ofAMoment() -> String {
        let script = """
            cd /sys/kernel/tracing
            [ -e events ] || mount -t tracefs tracefs .  || exit
            cd /sys/kernel/tracing
            echo >trace && echo 1 >events/kvm/enable && sleep 0.1
            echo 0 >events/kvm/enable
            grep -v '^#' trace | tail -n 40
            """
        do {
            let trace = try ChildProcess("/usr/bin/timeout", ["60", "/bin/sh", "-c", script])
            try trace.finish()
            return "KVM's trace:\n\(trace.output.text)\(trace.errors.text)"
        } catch {
            return "no trace: \(error)"
        }
    }
}
