import DatasetScoring
import HTTPTypes
import ServiceInterface
import Tensors
import Testing

@testable import ScoringService

@Suite struct RouteTests {
    private static let paths: [(target: String, route: Route, methods: String)] = [
        ("/score", .score, "POST"),
        ("/issues", .issues, "POST"),
        ("/jobs", .jobs, "GET, HEAD, POST"),
        ("/jobs/a", .job("a"), "GET, HEAD, DELETE"),
        ("/jobs/a/batches", .jobBatches("a"), "POST"),
        ("/jobs/a/cancel", .jobCancellation("a"), "POST"),
        ("/jobs/a/finish", .jobFinish("a"), "POST"),
        ("/jobs/a/image_scores", .jobArray("a", .imageScores), "GET, HEAD"),
        ("/jobs/a/pixel_scores", .jobArray("a", .pixelScores), "GET, HEAD"),
        ("/jobs/a/issues", .jobArray("a", .issues), "GET, HEAD"),
        ("/jobs/a/label_issues", .jobArray("a", .labelIssues), "GET, HEAD"),
        ("/jobs/a/ranking", .jobRanking("a"), "GET, HEAD"),
        ("/jobs/a/summary", .jobSummary("a"), "GET, HEAD"),
        ("/livez", .live, "GET, HEAD"),
        ("/readyz", .ready, "GET, HEAD"),
        ("/metrics", .metrics, "GET, HEAD"),
        ("/version", .version, "GET, HEAD"),
        ("/openapi.yaml", .openAPI, "GET, HEAD"),
        ("/v2", .inference(.server), "GET, HEAD"),
        ("/v2/health/live", .inference(.live), "GET, HEAD"),
        ("/v2/health/ready", .inference(.ready), "GET, HEAD"),
        ("/v2/repository/index", .inference(.index), "POST"),
        ("/v2/models/stats", .inference(.statistics), "GET, HEAD"),
        ("/v2/models/a", model(.metadata), "GET, HEAD"),
        ("/v2/models/a/ready", model(.ready), "GET, HEAD"),
        ("/v2/models/a/config", model(.configuration), "GET, HEAD"),
        ("/v2/models/a/stats", model(.statistics), "GET, HEAD"),
        ("/v2/models/a/infer", model(.inference), "POST"),
        ("/v2/models/a/versions/1", model(.metadata, version: "1"), "GET, HEAD"),
        ("/v2/models/a/versions/1/ready", model(.ready, version: "1"), "GET, HEAD"),
        ("/v2/models/a/versions/1/config", model(.configuration, version: "1"), "GET, HEAD"),
        ("/v2/models/a/versions/1/stats", model(.statistics, version: "1"), "GET, HEAD"),
        ("/v2/models/a/versions/1/infer", model(.inference, version: "1"), "POST"),
        ("/v2/systemsharedmemory/status", .inference(.regions), "GET, HEAD"),
        ("/v2/systemsharedmemory/unregister", .inference(.regionsRemoval), "POST"),
        ("/v2/systemsharedmemory/region/a%20b/status", .inference(.region("a b", .status)), "GET, HEAD"),
        ("/v2/systemsharedmemory/region/a%2Fb/register", .inference(.region("a/b", .register)), "POST"),
        ("/v2/systemsharedmemory/region/a/unregister", .inference(.region("a", .unregister)), "POST"),
    ]

    private static func model(_ part: InferenceRoute.ModelPart, version: String? = nil) -> Route {
        .inference(.model(InferenceRoute.ModelName(name: "a", version: version), part))
    }

    @Test func countsEveryPathByItself() {
        let templates = Self.paths.map(\.route.template)
        #expect(Set(templates.map(\.number)).count == templates.count)
        #expect(Set(templates.map(\.text)).count == templates.count)
    }

    @Test(arguments: 0..<paths.count) func findsEveryPathWithAndWithoutAQuery(index: Int) throws {
        let (target, route, _) = Self.paths[index]
        #expect(try Route(target: target) == route)
        #expect(try Route(target: target + "?a=b/c") == route)
    }

    @Test func answersWithoutAKeyOnlyWhatProbesAsk() {
        #expect(
            Self.paths.filter(\.route.isOpen).map(\.target)
                == ["/livez", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"])
        #expect(
            Self.paths.filter(\.route.isAdministrative).map(\.target) == ["/livez", "/readyz", "/metrics", "/version"])
    }

    @Test(arguments: [
        "", "/", "*", "score", "/Score", "/score/", "/score/x", "//score", "/jobs/", "/jobs/a/", "/jobs/a/b",
        "/jobs/a/cancel/", "/jobs/a/image_scores/0", "/livez/x", "/openapi", "/%6Aobs",
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

    @Test(arguments: 0..<paths.count) func refusesOtherMethodsAndSaysWhichItAnswers(index: Int) async throws {
        let (target, _, methods) = Self.paths[index]
        let harness = try Harness()
        for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .options, .trace] {
            let reply = await harness.send(method, target, body: [])
            if methods.split(separator: ", ").contains(Substring(method.rawValue)) {
                #expect(reply.status != 405)
            } else {
                #expect(reply.status == 405)
                #expect(reply.fields[.allow] == methods)
                #expect(reply.problem == "method-not-allowed")
            }
        }
    }

    @Test(arguments: [
        "/score", "/issues", "/jobs", "/jobs/ID", "/jobs/ID/image_scores", "/jobs/ID/pixel_scores", "/jobs/ID/issues",
        "/jobs/ID/ranking", "/jobs/ID/cancel", "/livez", "/readyz", "/metrics", "/version",
        "/openapi.yaml",
    ])
    func refusesAnUnknownQueryParameter(target: String) async throws {
        let harness = try Harness()
        let job = try await harness.score(Sample().npz()).location()
        let target = target.replacing("/jobs/ID", with: job)
        let isPost = ["/score", "/issues", job + "/cancel"].contains(target)
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
