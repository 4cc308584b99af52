import HTTPTypes
import Testing

@testable import WebService

@Suite struct MediaTypeTests {
    private static let offers: [MediaType] = [.json, .npz, .npy]

    @Test(
        arguments: [
            (nil, .json), ("", .json), (" ", .json), ("*/*", .json), ("application/*", .json),
            ("application/x-npz", .npz), ("APPLICATION/X-NPY", .npy), (" application/x-npy ; q=1", .npy),
            // Quality decides, then how closely an offer is named, then the order of the offers.
            ("*/*, application/x-npz", .npz), ("application/x-npy, application/*", .npy),
            ("application/json;q=0.5, application/x-npz", .npz), ("application/x-npy, application/json", .json),
            ("text/html, application/x-npy;q=0.1", .npy), ("*/*;q=0.1, application/x-npz;q=0.2", .npz),
            // The most specific range speaks for an offer, wherever it stands.
            ("application/json;q=0, */*", .npz), ("*/*, application/json;q=0, application/x-npz;q=0", .npy),
            ("application/*;q=0.2, */*;q=1, application/x-npy;q=0.3", .npy),
            // What browsers and Java's HttpURLConnection send.
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", .json),
            ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", .json),
        ] as [(String?, MediaType)])
    func prefersTheBestOffer(accept: String?, expected: MediaType) throws {
        #expect(try MediaType.negotiated(accept, offers: Self.offers) == expected)
    }

    /// What axios sends wants JSON, where npy is what others get.
    @Test func takesWhatIsNamedForWantedMore() throws {
        let offers: [MediaType] = [.npy, .json]
        #expect(try MediaType.negotiated("application/json, text/plain, */*", offers: offers) == .json)
        #expect(try MediaType.negotiated("*/*", offers: offers) == .npy)
    }

    /// A weight is 0 to 1 (RFC 9110, section 12.4.2); any other makes its range count for nothing, and no other range.
    @Test(arguments: ["nan", "inf", "-1", "2", "0x1", "", "one"])
    func passesOverARangeOfAMalformedWeight(weight: String) throws {
        let accept = "application/json;q=\(weight), application/x-npy;q=0.5"
        #expect(try MediaType.negotiated(accept, offers: Self.offers) == .npy)
    }

    @Test(arguments: [
        "text/html", "application/json;q=0", "application", "/", ";", "application/", "*/*;q=0", "application/json/x",
    ])
    func refusesWhatIsNotOffered(accept: String) throws {
        let problem = try #require(throws: Problem.self) {
            try MediaType.negotiated(accept, offers: [.json])
        }
        #expect(problem.status == .notAcceptable)
        #expect(problem.expected == "application/json")
    }
}
