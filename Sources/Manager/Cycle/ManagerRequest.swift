internal import JSONText
internal import ManagerProtocol
internal import Resources

/// What the API asks of the manager's loop.
enum ManagerRequest: Sendable, Equatable {
    /// `GET /v1/status`
    case status
    /// `GET /v1/machines`
    case machines
    /// `GET /v1/machines/{name}`
    case machine(VMName)
    /// `PUT /v1/machines/{name}`
    case register(VMName, MachineRegistration)
    /// `PATCH /v1/machines/{name}`
    case changeMachine(VMName, MachineChange)
    /// `DELETE /v1/machines/{name}`
    case forget(VMName)
    /// `GET /v1/machines/{name}/reasons`
    case reasons(VMName)
    /// `GET /v1/pools`
    case pools
    /// `GET /v1/pools/{path}`
    case pool(PoolPath)
    /// `POST /v1/pools`
    case makePool(PoolPath, PoolChange)
    /// `PATCH /v1/pools/{path}`
    case changePool(PoolPath, PoolChange)
    /// `DELETE /v1/pools/{path}`
    case removePool(PoolPath)
    /// `GET /v1/journal`
    case journal
}

/// What the manager's loop answers.
enum ManagerReply: Sendable, Equatable {
    /// 200 with a value.
    case value(JSONValue)
    /// 201 with a value.
    case made(JSONValue)
    /// 204.
    case done
    /// 200 with lines of text; they are put together off the loop.
    case lines([String])
}
