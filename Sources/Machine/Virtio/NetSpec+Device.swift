internal import HostSystem
internal import Specification
internal import Virtio

extension NetSpec {
    /// Attaches to the tap, or makes it, and makes the card.
    func makeDevice(_ environment: DeviceEnvironment, mac: MACAddress) throws(MachineError) -> NetworkDevice {
        let tapInterface: TapInterface
        do {
            tapInterface = try TapInterface.open(tap, mtu: mtu)
        } catch {
            throw .tap(error)
        }
        do {
            return try NetworkDevice(environment, tap: tapInterface, configuration(mac))
        } catch {
            throw .system(error)
        }
    }

    private func configuration(_ mac: MACAddress) -> NetworkConfiguration {
        var configuration = NetworkConfiguration(address: mac.value)
        configuration.mtu = mtu.map { UInt16(clamping: $0) }
        configuration.hasOffloads = offloads
        configuration.queueSize = UInt16(clamping: queueSize)
        configuration.limits.receiveBytes = receiveBytes?.networkRate
        configuration.limits.receivePackets = receivePackets?.networkRate
        configuration.limits.sendBytes = sendBytes?.networkRate
        configuration.limits.sendPackets = sendPackets?.networkRate
        return configuration
    }
}

extension RateLimit {
    fileprivate var networkRate: NetworkLimits.Rate { .init(perSecond: perSecond, burst: burst) }
}
