internal import Glibc

/// The error numbers that have a meaning of their own here.
enum ErrorNumber {
    static let noEntry = ENOENT
    static let noDevice = ENODEV
    static let noProcess = ESRCH
    static let busy = EBUSY
    static let invalid = EINVAL
    static let tryAgain = EAGAIN
    static let notEmpty = ENOTEMPTY
}
