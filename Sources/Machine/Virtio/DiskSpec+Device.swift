internal import HostSystem
internal import Specification
internal import Virtio

extension DiskSpec {
    /// Opens the image and makes the disk.
    func makeDevice(_ environment: DeviceEnvironment) throws(MachineError) -> BlockDevice {
        let image: DiskImage
        do {
            image = try DiskImage.open(path, isReadOnly: isReadOnly, isDirect: direct)
        } catch {
            throw .disk(error)
        }
        do {
            return try BlockDevice(image, settings, environment)
        } catch {
            if engine == .uring {
                throw .tooMuch("the disk \(path) cannot have engine=uring: \(error); engine=threads works")
            }
            throw .system(error)
        }
    }

    private var settings: BlockSettings {
        var settings = BlockSettings()
        settings.id = id
        settings.queueSize = UInt16(queueSize)
        settings.isWriteThrough = cache == .writethrough
        settings.canDiscard = discard
        settings.engine =
            switch engine {
            case .auto: .automatic
            case .uring: .ring
            case .threads: .workers
            }
        settings.rates.bytesPerSecond = bps?.perSecond
        settings.rates.burstBytes = bps?.burst
        settings.rates.operationsPerSecond = iops?.perSecond
        settings.rates.burstOperations = iops?.burst
        return settings
    }
}
