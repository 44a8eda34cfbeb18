/// Where profiles of kernels are kept that were met before.
public protocol ProfileStore {
    /// The profile of the kernel for which `hasBuildID` says yes.
    ///
    /// - Parameter hasBuildID: whether the kernel at hand has this build id, at this offset from its image's
    ///   beginning.
    func find(where hasBuildID: (_ offset: Int, _ buildID: [UInt8]) -> Bool) -> KernelProfile?
}

/// Keeps nothing.
public struct NoProfileStore: ProfileStore {
    /// One is as good as another.
    public init() {}

    /// Never any.
    public func find(where hasBuildID: (Int, [UInt8]) -> Bool) -> KernelProfile? { nil }
}
