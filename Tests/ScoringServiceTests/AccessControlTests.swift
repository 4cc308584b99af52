import HTTPTypes
import ServiceHarness
import ServiceInterface
import Testing

@testable import ScoringService
@testable import WebService

@Suite struct AccessControlTests {
    private static let key = "0123456789abcdef"

    private func harness(protectsHealth: Bool = false) throws -> (Harness, AccessControl) {
        let access = AccessControl(keys: try KeyRing(lines: Self.key.utf8), protectsHealth: protectsHealth)
        return (try Harness(access: access), access)
    }

    @Test(arguments: [
        "Bearer \(key)", "bearer \(key)", "BEARER   \(key)",
    ])
    func takesAKey(credentials: String) async throws {
        let (harness, _) = try harness()
        #expect(await harness.get("/jobs", [.authorization: credentials]).status == 200)
        #expect(await harness.get("/nothing", [.authorization: credentials]).status == 404)
    }

    @Test(arguments: [
        (nil, false), ("Basic \(key)", false), (key, false), ("", false), ("Bearer", true), ("Bearer x", true),
        ("Bearer \(key)x", true), ("Bearer \(key) \(key)", true), ("Bearer\t\(key)", false),
    ])
    func challengesWithoutOne(credentials: String?, isInvalid: Bool) async throws {
        let (harness, _) = try harness()
        let fields: HTTPFields = credentials.map { [.authorization: $0] } ?? [:]
        for (method, target) in [
            (HTTPRequest.Method.get, "/jobs"), (.post, "/score"), (.get, "/nothing"), (.put, "/jobs"),
        ] {
            let reply = await harness.send(method, target, fields, body: [1, 2, 3])
            #expect(reply.status == 401)
            #expect(reply.problem == "unauthorized")
            #expect(reply.wasRefused)
            let suffix = isInvalid ? #", error="invalid_token""# : ""
            #expect(reply.fields[.wwwAuthenticate] == #"Bearer realm="segscore""# + suffix)
        }
        #expect(harness.jobCount == 0)
    }

    @Test func takesOneKeyAtATime() async throws {
        let (harness, _) = try harness()
        var fields = HTTPFields()
        fields.append(HTTPField(name: .authorization, value: "Bearer \(Self.key)"))
        fields.append(HTTPField(name: .authorization, value: "Bearer \(Self.key)"))
        guard case .refuse(let response) = harness.open(.get, "/jobs", fields).decision else {
            Issue.record("was answered")
            return
        }
        #expect(response.head.status == .unauthorized)
    }

    @Test(arguments: [false, true]) func leavesHealthOpenUnlessToldOtherwise(protectsHealth: Bool) async throws {
        let (harness, _) = try harness(protectsHealth: protectsHealth)
        for target in ["/livez", "/readyz", "/metrics"] {
            #expect(await harness.get(target).status == (protectsHealth ? 401 : 200))
            #expect(await harness.get(target, [.authorization: "Bearer \(Self.key)"]).status == 200)
        }
        #expect(await harness.get("/version").status == 401)
        #expect(await harness.get("/openapi.yaml").status == 401)
    }

    @Test func forgetsTheKeysThatOthersReplace() async throws {
        let (harness, access) = try harness()
        let other = "another-key-0123"
        access.replaceKeys(try KeyRing(lines: other.utf8))
        #expect(await harness.get("/jobs", [.authorization: "Bearer \(Self.key)"]).status == 401)
        #expect(await harness.get("/jobs", [.authorization: "Bearer \(other)"]).status == 200)
    }

    @Test func answersAdministratorsWhatTheyAskAndNothingElse() throws {
        let (harness, _) = try harness(protectsHealth: true)
        for target in ["/livez", "/readyz", "/metrics", "/version"] {
            guard case .receive = harness.open(.get, target, role: .administration).decision else {
                Issue.record("\(target) was refused")
                continue
            }
        }
        for target in ["/score", "/jobs", "/jobs/a", "/openapi.yaml", "/nothing"] {
            guard case .refuse(let response) = harness.open(.get, target, [:], role: .administration).decision else {
                Issue.record("\(target) was answered")
                continue
            }
            #expect(response.head.status == .notFound)
        }
    }
}
