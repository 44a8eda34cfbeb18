internal import ControlProtocol
internal import HostSystem
internal import JSONText
internal import Specification

// Carries out what comes through the control socket: the one place where a request turns into a deed.
extension Supervisor {
    /// Does what is asked, at once.
    ///
    /// - Returns: nil for a request that is answered when the machine has ended.
    mutating func answer(_ call: ControlCall) -> Result<JSONValue, ControlError>? {
        do {
            return try carryOut(call).map { .success($0) }
        } catch {
            return .failure(error)
        }
    }

    private mutating func carryOut(_ call: ControlCall) throws(ControlError) -> JSONValue? {
        switch call {
        case .version:
            return ["roost": .string(Release.version), "protocol": 1]
        case .status:
            return status.json
        case .wait:
            return nil
        case .registers:
            return ["cpus": try machine.registers()]
        case .balloon(let target):
            return try machine.balloon(targetBytes: target).json
        case .setLimits(let device, let change):
            return try machine.setLimits(of: device, change).json
        case .pause, .resume, .stop, .kill:
            let before = state
            guard before != .ended else { throw ControlError(.ended, "the machine has ended") }
            try change(call)
            return StateChange(state, isChanged: state != before).json
        }
    }

    private mutating func change(_ call: ControlCall) throws(ControlError) {
        switch call {
        case .pause:
            guard machine.pause() else { throw ControlError(.ended, "the machine has ended") }
        case .resume:
            machine.resume()
        case .stop(let grace):
            stop(graceSeconds: grace ?? spec.graceSeconds)
        default:
            machine.finish(.forced(by: .killCommand))
        }
    }

    /// Asked a second time, the guest has at most the time that is given now.
    private mutating func stop(graceSeconds: Int) {
        guard let current = deadline else {
            askToPowerOff(.stopCommand, graceSeconds: graceSeconds)
            return
        }
        machine.resume()
        let end = HostClock.monotonicNanoseconds() + UInt64(graceSeconds) * 1_000_000_000
        deadline = (min(end, current.at), current.request)
    }

    private var state: MachineState {
        if machine.end != nil { return .ended }
        if machine.isPaused { return .paused }
        return deadline == nil ? .running : .stopping
    }

    private var status: MachineStatus {
        MachineStatus(
            name: spec.name, process: Int(HostProcess.identifier), state: state,
            uptimeMilliseconds: (HostClock.monotonicNanoseconds() - started) / 1_000_000, cpus: spec.cpus,
            memoryBytes: spec.memory.bytes, kernel: spec.kernel, end: machine.end?.reason,
            devices: machine.deviceStatus)
    }
}
