internal import ControlProtocol
internal import HostSystem
internal import JSONText
internal import Specification

// Carries out what comes through the control socket: the one place where a request turns into a deed.
extension Supervisor {
    /// Does what is asked, at once.
    ///
    /// - Parameter hold: by which the connection that asks holds the machine, if it does.
    /// - Returns: nil for a request that is answered when the machine has ended.
    mutating func answer(
        _ call: ControlCall, _ hold: inout PauseHold?
    ) -> Result<JSONValue, ControlError>? {
        do {
            return try carryOut(call, &hold).map { .success($0) }
        } catch {
            return .failure(error)
        }
    }

    private mutating func carryOut(
        _ call: ControlCall, _ hold: inout PauseHold?
    ) throws(ControlError) -> JSONValue? {
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
        case .pause, .resume:
            let wasAskedFor = machine.isPauseAskedFor
            try change(call, &hold)
            return stateChange(isChanged: machine.isPauseAskedFor != wasAskedFor)
        case .hold, .release, .stop, .kill:
            let before = state
            try change(call, &hold)
            return stateChange(isChanged: state != before)
        }
    }

    private func stateChange(isChanged: Bool) -> JSONValue {
        StateChange(state, isChanged: isChanged, holders: machine.holds).json
    }

    private static var hasEnded: ControlError { ControlError(.ended, "the machine has ended") }

    private mutating func change(_ call: ControlCall, _ hold: inout PauseHold?) throws(ControlError) {
        guard machine.end == nil else { throw Self.hasEnded }
        switch call {
        case .pause:
            guard machine.pause() else { throw Self.hasEnded }
        case .resume:
            machine.resume()
        case .hold:
            try take(&hold)
        case .release:
            try release(&hold)
        case .stop(let grace):
            stop(graceSeconds: grace ?? spec.graceSeconds)
        default:
            machine.finish(.forced(by: .killCommand))
        }
    }

    private func take(_ hold: inout PauseHold?) throws(ControlError) {
        if hold?.isInForce == true { return }
        guard let new = machine.hold() else { throw Self.hasEnded }
        hold = consume new
    }

    private func release(_ hold: inout PauseHold?) throws(ControlError) {
        guard let held = hold.take() else {
            throw ControlError(.notHeld, "this connection does not hold the machine")
        }
        guard held.release() else {
            throw ControlError(.notHeld, "it was let go on meanwhile, to power off")
        }
    }

    /// Asked a second time, the guest has at most the time that is given now.
    private mutating func stop(graceSeconds: Int) {
        guard let current = deadline else {
            askToPowerOff(.stopCommand, graceSeconds: graceSeconds)
            return
        }
        machine.endAllPauses()
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
            memoryBytes: spec.memory.bytes, kernel: spec.kernel, holders: machine.holds,
            end: machine.end?.reason, devices: machine.deviceStatus)
    }
}
