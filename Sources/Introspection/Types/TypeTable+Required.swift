extension TypeTable {
    /// Longer ones no kernel has; what is multiplied with a size cannot overflow then.
    private var longestStructure: Int { 16 << 20 }

    /// A member that a view cannot do without.
    ///
    /// - Throws: `missing`, which names the member.
    func required(_ path: String, of structure: String) throws(IntrospectionError) -> Field {
        guard let field = field(path, of: structure) else { throw .missing("member \(structure).\(path)") }
        return field
    }

    /// The size of a structure that a view cannot do without.
    func requiredSize(of structure: String) throws(IntrospectionError) -> Int {
        guard let type = self.structure(named: structure), (1...longestStructure).contains(type.size) else {
            throw .missing("structure \(structure)")
        }
        return type.size
    }
}
