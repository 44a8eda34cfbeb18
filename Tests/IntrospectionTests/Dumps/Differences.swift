import Testing

/// Expects no difference, and shows each that there is.
func expectNone(_ differences: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))", sourceLocation: sourceLocation)
}
