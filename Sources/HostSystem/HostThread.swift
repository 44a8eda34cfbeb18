internal import CLinux
internal import Glibc

/// A kernel thread of this process with a name, for work that blocks: a virtual CPU above all.
public final class HostThread: Sendable {
    private let handle: pthread_t

    private final class Body {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts a thread.
    ///
    /// - Parameter name: as `ps -L` and `top -H` show it; the kernel keeps the first 15 bytes.
    public init(name: String, _ run: @escaping @Sendable () -> Void) throws(SystemError) {
        // SAFETY: the retain taken here is released by the thread, or below if there is none.
        let body = unsafe Unmanaged.passRetained(Body(name: name, run: run))
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        // What these threads call is shallow; untouched stack costs nothing but address space.
        unsafe pthread_attr_setstacksize(&attributes, 256 << 10)
        let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            guard let argument = unsafe argument else { return nil }
            // SAFETY: the one retain taken when the thread was started is released here.
            // SAFETY: the retain taken here is released by the thread, or below if there is none.
            let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
            // SAFETY: a C string for the length of the call.
            unsafe body.name.withCString { name in unsafe clinux_name_thread(name) }
            // A thread inherits its maker's mask, and those of libdispatch, for one, block every signal.
            clinux_unblock_kick_signal()
            body.run()
            return nil
        }
        // SAFETY: the thread takes over the retained body; without a thread it is released below.
        let result = unsafe pthread_create(&thread, &attributes, start, body.toOpaque())
        guard result == 0 else {
            unsafe body.release()
            throw SystemError(
                "start the thread \(name)", number: result,
                advice: result == EAGAIN ? "raise the limit on processes, `ulimit -u`" : nil)
        }
        handle = thread
    }

    /// The calling thread's number, as `/proc/PID/task` names it.
    public static var currentIdentifier: Int32 { clinux_thread_identifier() }

    /// Waits until the thread has ended. Once, from another thread.
    public func join() {
        // The handle is valid until it is joined, and it is never detached.
        _ = pthread_join(handle, nil)
    }

    /// Interrupts what the thread waits for in the kernel. The signal has no other effect.
    public func kick() {
        // The handle is valid until it is joined; `SignalDispositions.install` has been called.
        _ = pthread_kill(handle, clinux_kick_signal())
    }
}
