/// The type of a variable that BTF does not tell: it has types of per-CPU variables only.
indirect enum WellKnownSymbol: Sendable {
    case structure(String)
    case base(String)
    case pointer(WellKnownSymbol)
    case array(WellKnownSymbol, count: Int)

    /// Variables that plugins of Volatility ask for, as Linux declares them.
    static let types: [String: WellKnownSymbol] = [
        "_etext": .base("char"),
        "_stext": .base("char"),
        "_text": .base("char"),
        "bpf_kallsyms": .structure("list_head"),
        "ftrace_list_end": .structure("ftrace_ops"),
        "ftrace_mod_maps": .structure("list_head"),
        "ftrace_ops_list": .pointer(.structure("ftrace_ops")),
        "idt_table": .array(.structure("gate_struct"), count: 256),
        "init_files": .structure("files_struct"),
        "init_mm": .structure("mm_struct"),
        "init_net": .structure("net"),
        "init_pid_ns": .structure("pid_namespace"),
        "init_task": .structure("task_struct"),
        "init_user_ns": .structure("user_namespace"),
        "init_uts_ns": .structure("uts_namespace"),
        "iomem_resource": .structure("resource"),
        "jiffies": .base("unsigned long"),
        "keyboard_notifier_list": .structure("atomic_notifier_head"),
        "linux_banner": .array(.base("char"), count: 0),
        "mod_tree": .structure("mod_tree_root"),
        "module_addr_max": .base("unsigned long"),
        "module_addr_min": .base("unsigned long"),
        "module_kset": .pointer(.structure("kset")),
        "modules": .structure("list_head"),
        "net_namespace_list": .structure("list_head"),
        "num_registered_fb": .base("int"),
        "page_offset_base": .base("unsigned long"),
        "phys_base": .base("unsigned long"),
        "prb": .pointer(.structure("printk_ringbuffer")),
        "prog_idr": .structure("idr"),
        "socket_file_ops": .structure("file_operations"),
        "sockfs_dentry_operations": .structure("dentry_operations"),
        "super_blocks": .structure("list_head"),
        "tty_drivers": .structure("list_head"),
        "vmemmap_base": .base("unsigned long"),
        "vmalloc_base": .base("unsigned long"),
    ]
}
