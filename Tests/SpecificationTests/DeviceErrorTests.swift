import JSONText
import Specification
import Testing

@Suite("What is said of wrong virtio devices")
struct DeviceErrorTests {
    @Test(
        "In a specification the message names place, device and field",
        arguments: [
            (#""disks":{}"#, "disks is an object; allowed: an array of objects"),
            (#""disks":["a"]"#, "disks[0] is a string; allowed: an object"),
            (#""disks":[{}]"#, "disks[0].path is missing"),
            (#""disks":[{"pth":"a"}]"#, #"unknown field "disks[0].pth"; did you mean "path"?"#),
            (#""disks":[{"path":1}]"#, "disks[0].path is a whole number; allowed: a string"),
            (
                #""disks":[{"path":""}]"#,
                #"disks[0].path is ""; allowed: a path of 1 to 4095 bytes, none of them zero"#
            ),
            (
                #""disks":[{"path":"a","readonly":"on"}]"#,
                "disks[0].readonly is a string; allowed: true or false"
            ),
            (
                #""disks":[{"path":"a","queueSize":2048}]"#,
                "disks[0].queueSize is 2048; allowed: a power of two from 2 to 1024"
            ),
            (
                #""disks":[{"path":"a","queueSize":"2"}]"#,
                "disks[0].queueSize is a string; allowed: a power of two from 2 to 1024"
            ),
            (
                #""disks":[{"path":"a","iops":0}]"#,
                "disks[0].iops is 0; allowed: a whole number from 1 to 1099511627776"
            ),
            (
                #""disks":[{"path":"a","bps":-1}]"#,
                "disks[0].bps is -1; allowed: a size from 1 to 1T, such as 10M"
            ),
            (
                #""disks":[{"path":"a","bpsBurst":1}]"#,
                "disks[0].bpsBurst is 1; allowed: only together with its limit"
            ),
            (
                #""disks":[{"path":"a"},{"path":"b","id":"disk0"}]"#,
                #"disks[1].id is "disk0", and so is disks[0].id"#
            ),
            (
                #""disks":[{"path":"a","id":"x"}],"nets":[{"tap":"t","id":"x"}]"#,
                #"nets[0].id is "x", and so is disks[0].id"#
            ),
            (
                #""disks":[{"path":"a","id":"vsock"}],"vsock":{"path":"s"}"#,
                #"disks[0].id is "vsock", and so is vsock"#
            ),
            (
                #""nets":[{"tap":"t","mac":"03:00:00:00:00:00"}]"#,
                #"nets[0].mac is "03:00:00:00:00:00"; allowed: a unicast address such as 02:00:5e:10:00:01"#
            ),
            (#""nets":[{"tap":"t"},{"tap":"t"}]"#, #"nets[1].tap is "t", and so is nets[0].tap"#),
            (#""vsock":[]"#, "vsock is an array; allowed: an object"),
            (
                #""vsock":{"path":"s","cid":4294967295}"#,
                "vsock.cid is 4294967295; allowed: a whole number from 3 to 4294967294"
            ),
            (#""balloon":true"#, "balloon is a boolean; allowed: an object"),
            (
                #""balloon":{"size":"1G"}"#,
                #"balloon.size is "1G"; allowed: at most the guest's memory, 256M"#
            ),
            (
                #""balloon":{"statsInterval":"1"}"#,
                #"balloon.statsInterval is "1"; allowed: 0 for never, or 100ms to 1h, such as 1s"#
            ),
            (#""rng":{"bps":"2T"}"#, #"rng.bps is "2T"; allowed: a size from 1 to 1T, such as 10M"#),
            (
                #""virtioConsole":null"#,
                "virtioConsole is null; allowed: stdio, none, file=PATH, pty or socket"
            ),
            (#""virtioConsole":"stdio","console":"stdio""#, #"virtioConsole is "stdio", and so is console"#),
            (
                #""virtioConsole":"file=a","console":"file=a""#,
                #"virtioConsole is "file=a", and so is console"#
            ),
            (#""ioThreads":65"#, "ioThreads is 65; allowed: a whole number from 1 to 64"),
        ])
    func specification(member: String, message: String) {
        let text = "{\"version\":1, \"name\":\"a\", \"kernel\":\"k\",\n\(member)}"
        let error = #expect(throws: SpecError.self) { try MachineSpec(jsonText: text) }
        #expect(error?.reason == message)
        #expect(error?.position?.line == (message.hasSuffix("missing") ? nil : 2))
    }

    private static let diskKeys =
        "; the keys are path, id, readonly, direct, cache, engine, discard, queue-size, iops, iops-burst, bps, "
        + "bps-burst"

    @Test(
        "In an option the message names the key, and lists the keys where one is wrong",
        arguments: [
            (.disk, "", "an item of the list is empty (a comma in a value is written ,,)" + diskKeys),
            (.disk, "a,foo=1", "there is no key foo" + diskKeys),
            (.disk, "a,read-only=on", "there is no key read-only, did you mean readonly?" + diskKeys),
            (.disk, "/a=b", "there is no key /a; a path with = is written path=PATH" + diskKeys),
            (.disk, "a,readonly", "readonly is not KEY=VALUE" + diskKeys),
            (.disk, "a,readonly=", "readonly has no value" + diskKeys),
            (.disk, "a,direct=on,direct=on", "direct is given twice" + diskKeys),
            (.disk, "direct=on", "path is missing" + diskKeys),
            (.disk, "a,direct=true", #"direct is "true"; allowed: on or off"#),
            (.disk, "a,queue-size=+8", #"queue-size is "+8"; allowed: a power of two from 2 to 1024"#),
            (.disk, "a,queue-size=0", "queue-size is 0; allowed: a power of two from 2 to 1024"),
            (.disk, "a,iops=1K", #"iops is "1K"; allowed: a whole number from 1 to 1099511627776"#),
            (.disk, "a,iops-burst=1", "iops-burst is 1; allowed: only together with its limit"),
            (.disk, "a,engine=aio", #"engine is "aio"; allowed: auto, uring or threads"#),
            (
                .disk, "a,id=twenty-one-bytes-long",
                #"id is "twenty-one-bytes-long"; allowed: 1 to 20 of a-z A-Z 0-9 . _ -, the first one not . or -"#
            ),
            (.net, "t,mtu=65536", "mtu is 65536; allowed: a whole number from 68 to 65535"),
            (
                .net, "t,mac=x", #"mac is "x"; allowed: a unicast address such as 02:00:5e:10:00:01"#
            ),
            (.net, "t,tx-pps-burst=1", "tx-pps-burst is 1; allowed: only together with its limit"),
            (.vsock, "cid=3", "path is missing; the keys are path, cid"),
            (
                .vsock, String(repeating: "s", count: 97),
                "path is \"\(String(repeating: "s", count: 59))… (99 bytes); "
                    + "allowed: a path of 1 to 96 bytes, none of them zero"
            ),
            (.balloon, "size=1025", #"size is "1025"; allowed: 0 to the guest's memory in steps of 4K"#),
            (.rng, "off", "off is not KEY=VALUE; the keys are source, bps, bps-burst"),
        ] as [(DeviceOption, String, String)])
    func options(option: DeviceOption, text: String, message: String) {
        let error = #expect(throws: DeviceOption.Mistake.self) { try option.json(text) }
        #expect(error?.description == message)
    }

    @Test("An option's keys are the fields of the JSON")
    func optionValues() throws {
        #expect(
            try DeviceOption.disk.json("a,,b,readonly=on,direct=off,queue-size=8,iops=5,iops-burst=6,bps=7k")
                == [
                    "path": "a,b", "readonly": true, "direct": false, "queueSize": 8, "iops": 5,
                    "iopsBurst": 6, "bps": "7k",
                ])
        #expect(try DeviceOption.net.json("t,rx-bps=1M") == ["tap": "t", "rxBps": "1M"])
        #expect(try DeviceOption.balloon.json("on") == .object([]))
        #expect(try DeviceOption.balloon.json("deflate-on-oom=off") == ["deflateOnOom": false])
    }

    @Test(
        "The word behind --rng or --balloon is its value only if it looks like a list",
        arguments: [
            ("on", true), ("size=1M", true), ("free-page-hinting=on", true), ("x=", true), ("", false),
            ("vmlinuz", false), ("./a=b", false), ("--cpus=2", false), ("=a", false), ("K=1", false),
        ])
    func isValue(word: String, expected: Bool) {
        #expect(DeviceOption.isValue(word) == expected)
    }
}
