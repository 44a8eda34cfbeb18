extension MachineSpec {
    /// Where running machines are listed when nothing is said: `$ROOST_RUN_DIR`, else `/run/roost` where
    /// this user may, else `$XDG_RUNTIME_DIR/roost`, else a directory of the user's own in `/tmp`.
    ///
    /// - Parameters:
    ///   - user: the number of the user.
    ///   - environment: an environment variable's value, nil if it is not set.
    ///   - isWritable: whether this user may make files in a directory.
    public static func usualRunDirectory(
        user: UInt32, environment: (String) -> String?, isWritable: (String) -> Bool
    ) -> String {
        if let path = environment("ROOST_RUN_DIR"), !path.isEmpty { return path }
        if user == 0, isWritable("/run") { return "/run/roost" }
        if let path = environment("XDG_RUNTIME_DIR"), !path.isEmpty { return path + "/roost" }
        return "/tmp/roost-\(user)"
    }
}
