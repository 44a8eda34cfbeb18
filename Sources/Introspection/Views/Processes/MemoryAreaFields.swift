/// Where the members lie that tell about a process's memory areas.
struct MemoryAreaFields {
    // Of vm_area_struct.
    let start: Field
    let end: Field
    let flags: Field
    let pageOffset: Field
    let file: Field
    let operations: Field
    let privateData: Field
    let memory: Field
    let anonymousName: Field?
    // Of mm_struct.
    let breakStart: Field
    let breakEnd: Field
    let stackStart: Field
    // Of file, inode and super_block.
    let fileMode: Field
    let filePath: Field
    let fileInode: Field
    let userPath: Field?
    let entryInode: Field
    let pathEntry: Field
    let inodeNumber: Field
    let inodeSystem: Field
    let device: Field
    // Of vm_special_mapping.
    let specialName: Field?

    init(_ types: TypeTable) throws(IntrospectionError) {
        start = try types.required("vm_start", of: "vm_area_struct")
        end = try types.required("vm_end", of: "vm_area_struct")
        flags = try types.required("vm_flags", of: "vm_area_struct")
        pageOffset = try types.required("vm_pgoff", of: "vm_area_struct")
        file = try types.required("vm_file", of: "vm_area_struct")
        operations = try types.required("vm_ops", of: "vm_area_struct")
        privateData = try types.required("vm_private_data", of: "vm_area_struct")
        memory = try types.required("vm_mm", of: "vm_area_struct")
        anonymousName = types.field("anon_name", of: "vm_area_struct")
        breakStart = try types.required("start_brk", of: "mm_struct")
        breakEnd = try types.required("brk", of: "mm_struct")
        stackStart = try types.required("start_stack", of: "mm_struct")
        fileMode = try types.required("f_mode", of: "file")
        filePath = try types.required("f_path", of: "file")
        fileInode = try types.required("f_inode", of: "file")
        userPath = types.field("user_path", of: "backing_file")
        entryInode = try types.required("d_inode", of: "dentry")
        pathEntry = try types.required("dentry", of: "path")
        inodeNumber = try types.required("i_ino", of: "inode")
        inodeSystem = try types.required("i_sb", of: "inode")
        device = try types.required("s_dev", of: "super_block")
        specialName = types.field("name", of: "vm_special_mapping")
    }
}
