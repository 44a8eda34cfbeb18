public import Devices

/// The kinds of device (virtio 1.2, section 5).
public enum VirtioDeviceKind: UInt32, Sendable {
    /// Network card.
    case network = 1
    /// Block device.
    case block = 2
    /// Console.
    case console = 3
    /// Entropy source.
    case entropy = 4
    /// Memory balloon.
    case balloon = 5
    /// Socket.
    case socket = 19
}

/// What a transport needs of a device, and a device promises.
///
/// The device has one lock of its own; every call here takes it, and none is made with it held. The
/// transport calls from virtual CPUs' threads, one call at a time; `queueNotified` comes from the
/// device's event loop. `reset` and `pause` return only when nothing of the device touches guest
/// memory any more: what is on its way to a disk is waited for.
public protocol VirtioDevice: Lifecycle {
    /// What it is.
    var kind: VirtioDeviceKind { get }
    /// What it offers of its own; what concerns queues and transport is the transport's to add.
    var features: FeatureSet { get }
    /// The largest size of each queue, for as many queues as there are with all features negotiated. A
    /// queue that does not exist with fewer leaves no gap: the device counts those that do.
    var queueSizes: [UInt16] { get }

    /// A read of the configuration space. `offset` and `width` are the guest's, all else reads zero.
    func readConfiguration(offset: UInt64, width: AccessWidth) -> UInt64
    /// A write to the configuration space.
    func writeConfiguration(offset: UInt64, width: AccessWidth, value: UInt64)

    /// The driver is ready: the device may use the queues until `reset`.
    ///
    /// - Parameter features: what both sides know, a subset of what was offered.
    func activate(_ queues: consuming QueueSet, features: FeatureSet)
    /// The driver rang a queue's bell. Also without a reason: look into the queue.
    func queueNotified(_ index: Int)

    /// The machine is over, and so is the device: what it put into the host's file system goes. Its loop does
    /// not run any more, or will not.
    func close()

    /// The device as people control it while the machine runs, if they can.
    var control: (any DeviceControl)? { get }
}

extension VirtioDevice {
    /// A device that nobody controls.
    public var control: (any DeviceControl)? { nil }

    /// A device whose configuration cannot be written.
    public func writeConfiguration(offset: UInt64, width: AccessWidth, value: UInt64) {}

    /// Nothing to remove.
    public func close() {}
}
