internal import Glibc

/// A Linux call that failed: what was tried, the error number, and, where there is one, what the
/// user can do about it.
public struct SystemError: Error, Equatable, CustomStringConvertible {
    /// What was tried, in words that follow "cannot": `open /dev/kvm`, `map 256 MiB`.
    public let operation: String
    /// The positive error number, as in errno(3).
    public let number: Int32
    /// What to do about it: a clause that can stand behind a semicolon.
    public let advice: String?

    /// - Parameter number: the error number, positive or negated as the kernel returns it.
    public init(_ operation: String, number: Int32, advice: String? = nil) {
        self.operation = operation
        self.number = abs(number)
        self.advice = advice
    }

    /// The number's text, as strerror(3) gives it.
    public var reason: String {
        // SAFETY: strerror returns a valid C string for every number; it is copied at once.
        unsafe String(cString: strerror(number))
    }

    /// One sentence for people.
    public var description: String {
        let sentence = "cannot \(operation): \(reason)"
        return advice.map { "\(sentence); \($0)" } ?? sentence
    }
}

/// Turns a shim's result, a value or a negated error number, into the value or a thrown error.
@discardableResult
public func checked<Value: SignedInteger>(
    _ result: Value, _ operation: @autoclosure () -> String, advice: @autoclosure () -> String? = nil
) throws(SystemError) -> Value {
    guard result >= 0 else {
        throw SystemError(operation(), number: Int32(truncatingIfNeeded: result), advice: advice())
    }
    return result
}

extension SystemError {
    /// Whether the user is not allowed, rather than something missing or broken.
    public var isPermission: Bool { number == EACCES || number == EPERM }
}
