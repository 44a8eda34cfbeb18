public import Devices
public import GuestMemory
internal import HostSystem
internal import Synchronization

/// virtio-mmio, version 2 (virtio 1.2, 4.2): the registers of one device.
///
/// Status, negotiation and reset go by 2.1 and 3.1. What a driver may not do then is ignored: queues
/// cannot be moved while the device lives, features not changed once they are accepted, bits of the
/// status not cleared but by a reset. A queue that is wrong puts the device in NEEDS_RESET.
public final class MMIOTransport: BusDevice {
    /// The size of its claim in bytes.
    public static let size: UInt64 = 0x1000
    /// Where in it a driver rings a queue's bell, by writing the queue's number.
    public static let notifyOffset = MMIORegister.queueNotify.rawValue
    /// After so many notifications that came as exits, a queue's bell is hung in the kernel: a machine
    /// that hardly uses a device does not pay for that when it starts and ends.
    public static let exitsBeforeAttachment: UInt32 = 16

    private struct Registers {
        var status: DeviceStatus = []
        var deviceFeaturesSelect: UInt32 = 0
        var driverFeaturesSelect: UInt32 = 0
        var driverFeatures: UInt64 = 0
        var queueSelect: UInt32 = 0
        var queues: [Queue]
    }

    private struct Queue {
        var place = QueuePlace(size: 0, descriptors: 0, driverArea: 0, deviceArea: 0)
        var isReady = false
    }

    private let device: any VirtioDevice
    private let signals: DeviceSignals
    private let memory: PhysicalMemory
    private let bells: [QueueBell]
    private let attachBell: @Sendable (Int) -> Void
    private let offered: FeatureSet
    private let queueSizes: [UInt16]
    private let registers: Guarded<Registers>
    private let exits: Guarded<[UInt32]>

    /// - Parameters:
    ///   - bells: one for each queue.
    ///   - attachBell: called once for a queue that is rung often, on a virtual CPU's thread.
    public init(
        device: any VirtioDevice, signals: DeviceSignals, memory: PhysicalMemory, bells: [QueueBell],
        attachBell: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.device = device
        self.signals = signals
        self.memory = memory
        self.bells = bells
        self.attachBell = attachBell
        offered = device.features.union(.common)
        queueSizes = device.queueSizes
        precondition(queueSizes.count <= QueueSet.limit && bells.count == queueSizes.count)
        registers = Guarded(Registers(queues: queueSizes.map { _ in Queue() }))
        exits = Guarded(queueSizes.map { _ in 0 })
    }

    /// Registers answer to aligned 32-bit accesses alone (4.2.2.1); the configuration space to all.
    public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
        guard offset < MMIORegister.configuration else {
            return device.readConfiguration(offset: offset &- MMIORegister.configuration, width: width)
        }
        guard width == .doubleWord, let register = MMIORegister(rawValue: offset) else { return 0 }
        return UInt64(read(register))
    }

    private func read(_ register: MMIORegister) -> UInt32 {
        switch register {
        case .interruptStatus: signals.pendingCause
        case .magicValue: MMIORegister.magic
        case .version: MMIORegister.interfaceVersion
        case .deviceID: device.kind.rawValue
        case .vendorID: MMIORegister.vendor
        case .configurationGeneration: signals.configurationGeneration
        case .deviceFeatures:
            half(offered.rawValue, registers.withLock { $0.deviceFeaturesSelect })
        case .status:
            registers.withLock { UInt32(status($0).rawValue) }
        case .queueSizeMaximum:
            registers.withLock { selected($0).map { UInt32(queueSizes[$0]) } ?? 0 }
        case .queueReady:
            registers.withLock { registers in
                selected(registers).map { registers.queues[$0].isReady ? 1 : 0 } ?? 0
            }
        // There is no shared memory region: length and base of all ones (4.2.2.1).
        case .sharedMemoryLengthLow, .sharedMemoryLengthHigh, .sharedMemoryBaseLow, .sharedMemoryBaseHigh:
            .max
        default: 0
        }
    }

    /// As `read`. Never asks for anything beyond the device.
    public func write(offset: UInt64, width: AccessWidth, value: UInt64) -> BusEffect {
        guard offset < MMIORegister.configuration else {
            device.writeConfiguration(
                offset: offset &- MMIORegister.configuration, width: width, value: value)
            return .none
        }
        if width == .doubleWord, let register = MMIORegister(rawValue: offset) {
            write(register, UInt32(truncatingIfNeeded: value))
        }
        return .none
    }

    private func write(_ register: MMIORegister, _ value: UInt32) {
        switch register {
        case .queueNotify: notify(value)
        case .interruptAcknowledge: signals.acknowledge(value)
        case .status: registers.withLock { writeStatus(value, &$0) }
        case .deviceFeaturesSelect: registers.withLock { $0.deviceFeaturesSelect = value }
        case .driverFeaturesSelect: registers.withLock { $0.driverFeaturesSelect = value }
        case .queueSelect: registers.withLock { $0.queueSelect = value }
        case .driverFeatures: registers.withLock { Self.writeFeatures(value, &$0) }
        default: registers.withLock { writeQueue(register, value, &$0) }
        }
    }

    /// For benchmarks and tests: the driver's reset, as by writing 0 to the status.
    public func reset() {
        registers.withLock { reset(&$0) }
    }
}

extension MMIOTransport {
    /// A notification that came as an exit.
    private func notify(_ queue: UInt32) {
        guard queue < UInt32(bells.count) else { return }
        let index = Int(queue)
        bells[index].ring()
        let isFrequent = exits.withLock { exits in
            exits[index] &+= 1
            return exits[index] == Self.exitsBeforeAttachment
        }
        if isFrequent { attachBell(index) }
    }

    private func half(_ bits: UInt64, _ select: UInt32) -> UInt32 {
        switch select {
        case 0: UInt32(truncatingIfNeeded: bits)
        case 1: UInt32(truncatingIfNeeded: bits &>> 32)
        default: 0
        }
    }

    private func status(_ registers: Registers) -> DeviceStatus {
        signals.needsReset ? registers.status.union(.needsReset) : registers.status
    }

    private func selected(_ registers: Registers) -> Int? {
        let index = Int(registers.queueSelect)
        return index < queueSizes.count ? index : nil
    }

    private static func writeFeatures(_ value: UInt32, _ registers: inout Registers) {
        guard !registers.status.contains(.featuresOK) else { return }
        switch registers.driverFeaturesSelect {
        case 0:
            registers.driverFeatures = registers.driverFeatures & ~0xFFFF_FFFF | UInt64(value)
        case 1:
            registers.driverFeatures = registers.driverFeatures & 0xFFFF_FFFF | UInt64(value) &<< 32
        default: break
        }
    }

    private func writeQueue(_ register: MMIORegister, _ value: UInt32, _ registers: inout Registers) {
        // A live device's queues stay where they are.
        guard let index = selected(registers), !registers.status.contains(.driverOK) else { return }
        if register == .queueReady {
            registers.queues[index].isReady = value & 1 != 0
            return
        }
        guard !registers.queues[index].isReady else { return }
        func low(_ word: UInt64) -> UInt64 { word & ~0xFFFF_FFFF | UInt64(value) }
        func high(_ word: UInt64) -> UInt64 { word & 0xFFFF_FFFF | UInt64(value) &<< 32 }
        var place = registers.queues[index].place
        switch register {
        // More than 16 bits is as wrong as 0, which stays to be found when the queue is made.
        case .queueSize: place.size = UInt16(exactly: value) ?? 0
        case .queueDescriptorsLow: place.descriptors = low(place.descriptors)
        case .queueDescriptorsHigh: place.descriptors = high(place.descriptors)
        case .queueDriverLow: place.driverArea = low(place.driverArea)
        case .queueDriverHigh: place.driverArea = high(place.driverArea)
        case .queueDeviceLow: place.deviceArea = low(place.deviceArea)
        case .queueDeviceHigh: place.deviceArea = high(place.deviceArea)
        default: return
        }
        registers.queues[index].place = place
    }

    private func writeStatus(_ value: UInt32, _ registers: inout Registers) {
        let wanted = DeviceStatus(rawValue: UInt8(truncatingIfNeeded: value))
        guard value != 0 else { return reset(&registers) }
        var status = registers.status.union(wanted.subtracting([.needsReset, .featuresOK, .driverOK]))
        if wanted.contains(.featuresOK), accepts(registers.driverFeatures) { status.insert(.featuresOK) }
        if wanted.contains(.driverOK), status.contains(.featuresOK), !status.contains(.failed) {
            status.insert(.driverOK)
        }
        let isNew = status.contains(.driverOK) && !registers.status.contains(.driverOK)
        registers.status = status
        if isNew { activate(registers) }
    }

    /// A subset of what was offered, and not of the time before the specification (2.2.2, 6.2).
    private func accepts(_ features: UInt64) -> Bool {
        features & ~offered.rawValue == 0 && FeatureSet(rawValue: features).contains(.version1)
    }

    private func activate(_ registers: Registers) {
        let features = FeatureSet(rawValue: registers.driverFeatures)
        var set = QueueSet()
        signals.setActive(true)
        for (index, queue) in registers.queues.enumerated() where queue.isReady {
            do {
                set.add(
                    try VirtQueue(
                        index: index, queue.place, maximum: queueSizes[index], features: features,
                        memory: memory, signals: signals))
            } catch {
                signals.fail(error)
                return
            }
        }
        device.activate(set, features: features)
        // What was made available before DRIVER_OK was rung for in vain.
        for bell in bells { bell.ring() }
    }

    private func reset(_ registers: inout Registers) {
        device.reset()
        signals.setActive(false)
        registers = Registers(queues: queueSizes.map { _ in Queue() })
    }
}
