import DatasetScoring
import HTTPTypes
import Memory
import ServiceHarness
import ServiceInterface
import Testing
import TestSupport

@testable import ScoringService
@testable import WebService

/// What the service answers, and by which methods.
@Suite struct EndpointTests {
    /// Paths of the document with their methods, `HEAD` among them where there is `GET`.
    private static func document() async throws -> [String: Set<String>] {
        let text = try await Harness().get("/openapi.yaml").text
        var (paths, path) = ([String: Set<String>](), "")
        for line in text.split(separator: "\n").drop(while: { $0 != "paths:" }).dropFirst() {
            if line.first != " " { break }
            if let found = line.wholeMatch(of: /\ \ (\/.*):/) { path = String(found.1) }
            if let found = line.wholeMatch(of: /\ \ \ \ (get|post|put|delete|patch):/) {
                paths[path, default: []].formUnion(found.1 == "get" ? ["GET", "HEAD"] : [found.1.uppercased()])
            }
        }
        return paths
    }

    @Test func areThoseOfTheDocument() async throws {
        let endpoints = try Harness().endpoints.flatMap(\.endpoints)
        let methods = endpoints.map { ($0.template, Set($0.methods.map(\.rawValue))) }
        #expect(try await Dictionary(uniqueKeysWithValues: methods) == Self.document())
    }

    @Test func areCountedEachByItself() throws {
        let harness = try Harness()
        let templates = harness.endpoints.flatMap(\.endpoints).map(\.template)
        let table = EndpointTable(harness.endpoints)
        let found = try templates.map { try #require(table.match($0[...])).path }
        #expect(found.map(\.text) == templates)
        #expect(Set(found.map(\.number)).count == templates.count)
    }

    @Test(
        arguments: [
            ("/jobs", "/jobs", [:]), ("/jobs/", "/jobs/{id}", ["id": ""]),
            ("/jobs/a%20b", "/jobs/{id}", ["id": "a b"]), ("/jobs/%", "/jobs/{id}", ["id": "%"]),
            ("/jobs/a/cancel", "/jobs/{id}/cancel", ["id": "a"]),
            ("/v2/models/stats", "/v2/models/stats", [:]), ("/v2/models/a", "/v2/models/{model}", ["model": "a"]),
            ("/v2/models/stats/ready", "/v2/models/{model}/ready", ["model": "stats"]),
            (
                "/v2/models/a/versions/1/infer", "/v2/models/{model}/versions/{version}/infer",
                ["model": "a", "version": "1"]
            ),
            (
                "/v2/systemsharedmemory/region/a%2Fb/status", "/v2/systemsharedmemory/region/{region}/status",
                ["region": "a/b"]
            ),
        ] as [(String, String, [String: String])])
    func areFoundWithWhatVariesInThem(path: String, template: String, values: [String: String]) throws {
        let match = try #require(EndpointTable(try Harness().endpoints).match(path[...]))
        #expect(match.endpoint.template == template)
        #expect(match.values == values)
    }

    @Test func answersWithoutAKeyOnlyWhatProbesAsk() throws {
        let endpoints = try Harness().endpoints.flatMap(\.endpoints)
        func templates(_ access: Endpoint.Access) -> Set<String> {
            Set(endpoints.filter { $0.access.contains(access) }.map(\.template))
        }
        #expect(
            templates(.withoutKey) == ["/livez", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"])
        #expect(templates(.onAdminListeners) == ["/livez", "/readyz", "/metrics", "/version"])
        #expect(templates(.asProgram) == ["/", "/page/{file}"])
    }

    @Test(arguments: [
        "", "*", "score", "/Score", "/score/", "/score/x", "//score", "/jobs/", "/jobs/a/", "/jobs/a/b",
        "/jobs/a/cancel/", "/jobs/a/image_scores/0", "/livez/x", "/openapi", "/%6Aobs", "/page", "/page/",
        "/v2/", "/v1", "/v2/health", "/v2/health/live/x", "/v2/models", "/v2/models/a/", "/v2/models/a/versions",
        "/v2/models/a/x/ready", "/v2/models/a/versions/1/", "/v2/models/a/versions/1/2/ready", "/v2/repository",
        "/v2/systemsharedmemory", "/v2/systemsharedmemory/region/a", "/v2/systemsharedmemory/region/a/b",
        "/v2/cudasharedmemory/status", "/v2/repository/models/a/load",
    ])
    func findsNothingElsewhere(target: String) async throws {
        let reply = try await Harness().get(target)
        // What ends in a slash names a job without a name.
        #expect(reply.status == 404)
        #expect(reply.problem == (target == "/jobs/" ? "unknown-job" : "not-found"))
        #expect(reply.wasRefused)
    }

    @Test func refuseOtherMethodsAndSayWhichTheyAnswer() async throws {
        let harness = try Harness()
        for endpoint in harness.endpoints.flatMap(\.endpoints) {
            let target = endpoint.template.replacing(/{\w+}/, with: "a")
            for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .options, .trace] {
                let reply = await harness.send(method, target + "?a=b/c", body: [])
                if endpoint.methods.contains(method) {
                    #expect(reply.status != 405)
                } else {
                    #expect(reply.status == 405)
                    #expect(reply.fields[.allow] == endpoint.methods.map(\.rawValue).joined(separator: ", "))
                    #expect(reply.problem == "method-not-allowed")
                }
            }
        }
    }

    @Test(arguments: [
        "/score", "/reduce", "/issues", "/jobs", "/jobs/ID", "/jobs/ID/image_scores", "/jobs/ID/pixel_scores",
        "/jobs/ID/issues", "/jobs/ID/ranking", "/jobs/ID/cancel", "/livez", "/readyz", "/metrics", "/version",
        "/openapi.yaml",
    ])
    func refusesAnUnknownQueryParameter(target: String) async throws {
        let harness = try Harness()
        let job = try await harness.score(Sample().npz()).location()
        let target = target.replacing("/jobs/ID", with: job)
        let isPost = ["/score", "/reduce", "/issues", job + "/cancel"].contains(target)
        let reply = await harness.send(isPost ? .post : .get, target + "?treshold=1", body: isPost ? [] : nil)
        #expect(reply.status == 400)
        #expect(reply.problem == "unknown-parameter")
        #expect(try reply.json()["parameter"] as? String == "treshold")
    }

    @Test func refusesAnUnknownParameterOfADeletion() async throws {
        let harness = try Harness()
        let job = try await harness.score(Sample().npz()).location()
        #expect(await harness.send(.delete, job + "?force=1").problem == "unknown-parameter")
        #expect(await harness.get(job).status == 200)
    }

    @Test(arguments: [
        "/jobs/x", "/jobs/00000000000000000000000000000000", "/jobs/0123456789ABCDEF0123456789ABCDEF/issues",
        "/jobs/x/ranking",
    ])
    func knowsNoJobOfAnotherName(target: String) async throws {
        let reply = try await Harness().get(target)
        #expect(reply.status == 404)
        #expect(reply.problem == "unknown-job")
    }

    @Test func answersWhatAPlatformAsks() async throws {
        let harness = try Harness()
        #expect(await harness.get("/livez").text == "ok\n")
        #expect(await harness.get("/readyz").text == "ok\n")
        #expect(try await harness.get("/version").json()["version"] as? String == Service.version)
        #expect(await harness.get("/openapi.yaml").text.hasPrefix("openapi: 3.1"))
    }
}
