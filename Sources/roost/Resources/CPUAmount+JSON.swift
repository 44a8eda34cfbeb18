internal import JSONText
internal import Resources

/// Why a value is no amount of CPU.
struct AmountProblem: Error, CustomStringConvertible {
    let description: String
}

extension CPUAmount {
    /// A number of CPUs, or a text in one of the forms.
    init(describedBy value: JSONValue) throws(AmountProblem) {
        let text: String
        switch value {
        case .string(let given): text = given
        case .integer(let number): text = "\(number)"
        case .unsigned(let number): text = "\(number)"
        case .number(let number):
            // Small ones are written with an exponent, which no text of an amount has.
            let micro = (number * 1e6).rounded()
            if number.sign == .plus, micro < 1e15, micro / 1e6 == number,
                let amount = CPUAmount(microCPUs: Int64(micro))
            {
                self = amount
                return
            }
            text = "\(number)"
        default: throw AmountProblem(description: "it is \(value.kind); allowed: \(CPUAmount.form)")
        }
        do { try self.init(parsing: text) } catch { throw AmountProblem(description: "\(error)") }
    }
}
