import HTTPTypes
import Testing

@testable import WebService

@Suite struct PreferenceTests {
    @Test(
        arguments: [
            ([], false, nil, nil),
            (["respond-async"], true, nil, "respond-async"),
            (["Respond-Async, WAIT=5"], true, 5, "respond-async, wait=5"),
            (["respond-async", "wait = 7"], true, 7, "respond-async, wait=7"),
            (["respond-async; x=1, handling=lenient, wait=0"], true, 0, "respond-async, wait=0"),
            (["respond-async, wait=100000"], true, 60, "respond-async, wait=60"),
            // The first of a name counts (RFC 7240, section 2).
            (["respond-async, wait=3, wait=9"], true, 3, "respond-async, wait=3"),
            (["respond-async, wait=-1"], true, nil, "respond-async"),
            (["respond-async, wait=99999999999999999999"], true, nil, "respond-async"),
            (["respond-async, wait, wait=, =, ;, ,"], true, nil, "respond-async"),
            (["wait=5"], false, 5, nil),
        ] as [([String], Bool, Int?, String?)])
    func readsWhatMakesSense(values: [String], isAsync: Bool, wait: Int?, applied: String?) {
        var fields = HTTPFields()
        for value in values { fields.append(HTTPField(name: .prefer, value: value)) }
        let preference = Preference(fields)
        #expect(preference.isAsync == isAsync)
        #expect(preference.wait == wait)
        #expect(preference.applied == applied)
    }
}
