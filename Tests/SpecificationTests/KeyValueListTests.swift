import Specification
import Testing

@Suite("Lists of keys and values")
struct KeyValueListTests {
    @Test("Items keep their order, and a value may hold = and, written twice, commas")
    func items() throws {
        let list = try KeyValueList("path=a,,b=c.img,,,readonly=on")
        #expect(list.items == [.init("path", "a,b=c.img,"), .init("readonly", "on")])
        #expect(try KeyValueList("k=,,").items == [.init("k", ",")])
    }

    @Test("The first item may be the main key's value alone")
    func mainKey() throws {
        #expect(
            try KeyValueList("/a b,,c,id=x", mainKey: "path").items
                == [.init("path", "/a b,c"), .init("id", "x")])
        #expect(throws: KeyValueList.Mistake.noValue(item: "a")) {
            try KeyValueList("id=x,a", mainKey: "path")
        }
    }

    @Test(
        "What is no list is told apart",
        arguments: [
            ("", .emptyItem), ("a=1,", .emptyItem), (",a=1", .emptyItem), ("a=1,b", .noValue(item: "b")),
            ("a", .noValue(item: "a")), ("a=", .emptyValue(key: "a")), ("=", .emptyKey(value: "")),
            ("=x", .emptyKey(value: "x")), ("a=1,b=2,a=1", .twice(key: "a")),
        ] as [(String, KeyValueList.Mistake)])
    func mistakes(text: String, mistake: KeyValueList.Mistake) {
        #expect(throws: mistake) { try KeyValueList(text) }
        #expect(!mistake.description.isEmpty)
    }

    @Test("The main key counts as given")
    func mainKeyTwice() {
        #expect(throws: KeyValueList.Mistake.twice(key: "path")) {
            try KeyValueList("a,path=b", mainKey: "path")
        }
    }
}
