import ArgumentParser
import Foundation
import Testing

@testable import segscore

@Suite struct EnvironmentArgumentsTests {
    private func merged(_ environment: [String: String], _ arguments: String...) -> [String] {
        EnvironmentArguments(environment).merged(into: arguments)
    }

    @Test func standsForFlagsThatAreNotGiven() {
        #expect(merged(["SEGSCORE_MAX_BODY_BYTES": "1Gi"], "serve") == ["serve", "--max-body-bytes=1Gi"])
        #expect(
            merged(["SEGSCORE_MAX_BODY_BYTES": "1Gi"], "serve", "--max-body-bytes", "2Gi")
                == ["serve", "--max-body-bytes", "2Gi"])
        #expect(merged(["SEGSCORE_THREADS": "3"], "serve", "--threads=1") == ["serve", "--threads=1"])
        #expect(merged(["SEGSCORE_THREADS": ""], "serve") == ["serve"])
    }

    @Test func handsOnWhatIsEmptyAndShouldKeepOthersOut() {
        #expect(merged(["SEGSCORE_API_KEY_FILE": ""], "serve") == ["serve", "--api-key-file", ""])
        #expect(merged(["SEGSCORE_TLS_CERT": ""], "serve") == ["serve", "--tls-cert", ""])
        #expect(merged(["SEGSCORE_TLS_KEY": ""], "serve") == ["serve", "--tls-key", ""])
        #expect(merged(["SEGSCORE_PROTECT_HEALTH": ""], "serve") == ["serve", "--protect-health="])
    }

    @Test func splitsLists() {
        #expect(
            merged(["SEGSCORE_LISTEN": "127.0.0.1:1,unix:/s"], "serve")
                == ["serve", "--listen=127.0.0.1:1", "--listen=unix:/s"])
        #expect(
            merged(["SEGSCORE_DATA_DIR": "/data,masks=/masks"], "serve")
                == ["serve", "--data-dir=/data", "--data-dir=masks=/masks"])
        #expect(merged(["SEGSCORE_LISTEN": "0.0.0.0:1"], "healthcheck") == ["healthcheck", "--listen=0.0.0.0:1"])
    }

    @Test func asksTheAdministrativeAddressUnlessAnotherIsGiven() {
        let environment = ["SEGSCORE_LISTEN": "a:1", "SEGSCORE_ADMIN_LISTEN": "b:1,c:1"]
        #expect(
            merged(environment, "healthcheck")
                == ["healthcheck", "--admin-listen=b:1", "--admin-listen=c:1", "--listen=a:1"])
        #expect(merged(environment, "healthcheck", "--listen", "d:1") == ["healthcheck", "--listen", "d:1"])
    }

    @Test func turnsSwitchesOnAndOff() {
        #expect(merged(["SEGSCORE_ALLOW_ANONYMOUS": "true"], "serve") == ["serve", "--allow-anonymous"])
        #expect(merged(["SEGSCORE_ALLOW_ANONYMOUS": "1"], "serve") == ["serve", "--allow-anonymous"])
        #expect(merged(["SEGSCORE_ALLOW_ANONYMOUS": "false"], "serve") == ["serve"])
        #expect(merged(["SEGSCORE_ALLOW_ANONYMOUS": "0"], "serve") == ["serve"])
        // Which the command refuses, as it must: nobody knows what was meant.
        #expect(merged(["SEGSCORE_ALLOW_ANONYMOUS": "off"], "serve") == ["serve", "--allow-anonymous=off"])
    }

    /// Kubernetes makes such variables for a service that is named segscore.
    @Test func passesOverWhatStandsForNoFlag() {
        let environment = ["SEGSCORE_PORT": "tcp://10.0.0.1:80", "SEGSCORE_SERVICE_HOST": "10.0.0.1"]
        #expect(EnvironmentArguments(environment).merged(into: ["serve"]) == ["serve"])
        #expect(merged(["SEGSCORE_LISTEN": "x"], "version") == ["version"])
        #expect(merged(["SEGSCORE_LISTEN": "x"]) == [])
    }

    /// The flags are read from how ArgumentParser keeps them, which a new version of it may change.
    @Test func knowsTheFlagsThatHelpLists() {
        func flags(in help: String) -> Set<String> {
            let names = help.split(separator: "\n").compactMap { line in
                line.prefixMatch(of: #/  (?:-\w, )?(--[a-z-]+)/#).map { String($0.1) }
            }
            return Set(names).subtracting(["--help", "--version"])
        }
        let serve = flags(in: Segscore.helpMessage(for: ServeCommand.self, columns: 1000))
        #expect(serve.count > 30 && serve == Set(EnvironmentArguments.flags(of: ServeCommand()).map(\.name)))
        let healthcheck = flags(in: Segscore.helpMessage(for: HealthcheckCommand.self, columns: 1000))
        #expect(
            healthcheck == ["--admin-listen", "--listen", "--path"]
                && healthcheck == Set(EnvironmentArguments.flags(of: HealthcheckCommand()).map(\.name)))
    }

    /// Each variable is taken by the command itself.
    @Test(arguments: [
        ("SEGSCORE_LISTEN", "127.0.0.1:0"), ("SEGSCORE_API_KEY_FILE", "keys"), ("SEGSCORE_ALLOW_ANONYMOUS", "true"),
        ("SEGSCORE_ADMIN_LISTEN", "127.0.0.1:0"), ("SEGSCORE_ALLOW_ORIGIN", "https://a"),
        ("SEGSCORE_THREADS", "2"), ("SEGSCORE_WORKERS", "2"),
        ("SEGSCORE_BACKLOG", "2"), ("SEGSCORE_MAX_BODY_BYTES", "2Gi"), ("SEGSCORE_MAX_JSON_BYTES", "2M"),
        ("SEGSCORE_MAX_PIXELS", "2"), ("SEGSCORE_MAX_HEADER_BYTES", "2k"), ("SEGSCORE_MAX_CONNECTIONS", "2"),
        ("SEGSCORE_MAX_CONNECTIONS_PER_ADDRESS", "2"), ("SEGSCORE_IDLE_TIMEOUT", "2"),
        ("SEGSCORE_DRAIN_TIMEOUT", "2"), ("SEGSCORE_RESULT_TTL", "2"), ("SEGSCORE_RESULT_MEMORY", "2Mi"),
        ("SEGSCORE_SPOOL_DIR", "/"), ("SEGSCORE_LOG_FORMAT", "json"), ("SEGSCORE_LOG_LEVEL", "error"),
    ])
    func standsForEveryFlag(variable: String, value: String) throws {
        let arguments = merged([variable: value], "serve")
        #expect(arguments.count == 2)
        #expect(try Segscore.parseAsRoot(arguments) is ServeCommand)
    }
}

@Suite struct ByteCountTests {
    @Test(arguments: [
        ("1", 1), ("64KiB", 65_536), ("64Ki", 65_536), ("1k", 1000), ("512Mi", 536_870_912), ("2GB", 2_000_000_000),
        ("1TiB", 1_099_511_627_776), ("7B", 7),
    ])
    func readsSizesAsPeopleWriteThem(text: String, bytes: Int) {
        #expect(ByteCount(argument: text)?.bytes == bytes)
    }

    @Test(arguments: ["", "0", "-1", "x", "1.5Gi", "1 Gi", "1gib", "9223372036854775807Ki", "99999999999999999999"])
    func refusesWhatIsNoSize(text: String) {
        #expect(ByteCount(argument: text) == nil)
    }

    @Test func isWrittenShort() {
        #expect([1, 1000, 65_536, 16 << 30].map { ByteCount($0).description } == ["1", "1000", "64KiB", "16GiB"])
    }
}

@Suite struct ProcessorQuotaTests {
    private func count(_ files: [String: String], available: Int = 8) throws -> Int {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("segscore-" + UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: root) }
        for (name, text) in files {
            let url = root.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        return ProcessorQuota(root: root.path, available: available).count
    }

    @Test func followsTheQuotaOfTheContainer() throws {
        #expect(try count(["cpu.max": "200000 100000\n"]) == 2)
        #expect(try count(["cpu.max": "50000 100000\n"]) == 1)
        #expect(try count(["cpu.max": "250000 100000\n"]) == 3)
        #expect(try count(["cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"]) == 3)
    }

    @Test func takesWhatThereIsWithoutAQuota() throws {
        #expect(try count(["cpu.max": "max 100000\n"]) == 8)
        #expect(try count(["cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"]) == 8)
        #expect(try count([:]) == 8)
        #expect(try count(["cpu.max": "9000000 100000\n"]) == 8)
        #expect(try count(["cpu.max": "nonsense"], available: 0) == 1)
    }

    /// The memory that a container of some files may use.
    private func memory(_ files: [String: String], available: UInt64 = 1 << 34) throws -> Int {
        let root = FileManager.default.temporaryDirectory.appending(path: "memory-\(UUID())")
        defer { try? FileManager.default.removeItem(at: root) }
        for (name, text) in files {
            let file = root.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return MemoryLimit(root: root.path, available: available).bytes
    }

    @Test func readsTheLimitOfMemory() throws {
        #expect(try memory([:]) == 1 << 34)
        #expect(try memory(["memory.max": "536870912\n"]) == 536_870_912)
        #expect(try memory(["memory.max": "max\n"]) == 1 << 34)
        #expect(try memory(["memory/memory.limit_in_bytes": "268435456\n"]) == 268_435_456)
        #expect(try memory(["memory/memory.limit_in_bytes": "9223372036854771712\n"]) == 1 << 34, "none")
        #expect(try memory(["memory.max": "junk"], available: .max) == .max)
        #expect(try memory(["memory.max": "-5"], available: 0) == 1)
    }
}
