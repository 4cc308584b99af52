import HTTPTypes
import ServiceHarness
import ServiceInterface
import Testing

@testable import ScoringService
@testable import WebService

@Suite struct CrossOriginTests {
    private static let origin = "https://review.example"

    private func harness() throws -> Harness {
        let keys = try KeyRing(lines: "0123456789abcdef".utf8)
        return try Harness(access: AccessControl(keys: keys, origins: [Self.origin, "http://localhost:3000"]))
    }

    @Test(arguments: [("/score", "POST"), ("/jobs/a", "GET, HEAD, DELETE"), ("/jobs", "GET, HEAD, POST")])
    func answersPreflightsWithoutAKey(target: String, methods: String) async throws {
        let reply = try await harness().send(
            .options, target, [.origin: Self.origin, .accessControlRequestMethod: "POST"])
        #expect(reply.status == 204)
        #expect(reply.fields[.accessControlAllowOrigin] == Self.origin)
        #expect(reply.fields[.accessControlAllowMethods] == methods)
        let allowed = try #require(reply.fields[.accessControlAllowHeaders])
        for name in ["Authorization", "Content-Type", "Prefer", "Accept", "Range", "Idempotency-Key"] {
            #expect(allowed.contains(name))
        }
    }

    /// A refusal, too: a page has to know that its key is wrong.
    @Test func letsPagesOfItsOriginsReadAnswers() async throws {
        let harness = try harness()
        for (key, status) in [("0123456789abcdef", 200), ("x", 401)] {
            let reply = await harness.get("/jobs", [.origin: Self.origin, .authorization: "Bearer \(key)"])
            #expect(reply.status == status)
            #expect(reply.fields[.accessControlAllowOrigin] == Self.origin)
            #expect(reply.fields[.accessControlExposeHeaders]?.contains("Location") == true)
            #expect(reply.fields[.vary] == "Origin")
        }
    }

    @Test(arguments: ["https://review.example:8443", "http://review.example", "https://evil.example", "null", "*", ""])
    func refusesOthers(origin: String) async throws {
        let harness = try harness()
        let reply = await harness.get("/livez", [.origin: origin])
        #expect(reply.status == 403)
        #expect(reply.problem == "foreign-origin")
        #expect(reply.fields[.accessControlAllowOrigin] == nil)
        #expect(reply.fields[.vary] == "Origin")
        let preflight = await harness.send(
            .options, "/score", [.origin: origin, .accessControlRequestMethod: "POST"])
        #expect(preflight.status == 403)
        #expect(preflight.fields[.accessControlAllowOrigin] == nil)
    }

    @Test func isSilentWhereNoOriginMayCall() async throws {
        let harness = try Harness()
        let fields: HTTPFields = [.origin: Self.origin, .accessControlRequestMethod: "POST"]
        let preflight = await harness.send(.options, "/score", fields)
        let answer = await harness.get("/livez", fields)
        #expect(preflight.status == 403 && answer.status == 403)
        for reply in [preflight, answer] {
            #expect(reply.fields[.accessControlAllowOrigin] == nil)
            #expect(reply.fields[.vary] == nil)
        }
    }
}
