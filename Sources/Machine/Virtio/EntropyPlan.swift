internal import HostSystem
internal import Specification
internal import Stages
internal import Stats
internal import Virtio

/// How a source of random numbers is made from its specification.
enum EntropyPlan {
    /// The section it counts in.
    static let statistics = [StatsDeclaration("rng", EntropyShape.usual.shape)]

    /// Makes it as wished.
    static func make(
        _ spec: EntropySpec, _ environment: DeviceEnvironment
    ) throws(MachineError) -> EntropyDevice {
        let limit = spec.bps.map {
            TokenBucket(rate: $0.perSecond, burst: $0.burst, at: HostClock.monotonicNanoseconds())
        }
        let source: EntropySource
        do {
            // The kernel's own generator needs no file.
            source = spec.source == EntropySpec.standardSource ? .kernel() : try .file(spec.source)
        } catch {
            throw .input(error)
        }
        do {
            return try EntropyDevice(environment, source: source, limit: limit)
        } catch {
            throw .system(error)
        }
    }
}
