// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]
let sourceSettings = settings + [.strictMemorySafety()]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "segscore",
    products: [
        .executable(name: "segscore", targets: ["segscore"]),
        .library(name: "segscoreblocks", type: .dynamic, targets: ["BlockFunctions"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        .executableTarget(
            name: "segscore",
            dependencies: [
                "DatasetScoring", "Files", "HTTPServer", "Jobs", "JobStorage", "Memory", "OpenInference",
                "PrometheusText", "ReviewPage", "Scoring", "ScoringService", "ServiceInterface", "WebService",
                argumentParser, coreMetrics, httpTypes, logging,
            ],
            swiftSettings: sourceSettings),
        .target(
            name: "ReviewPage", dependencies: ["ServiceInterface", "WebService", httpTypes],
            resources: [.embedInCode("page")], swiftSettings: sourceSettings),
        .target(
            name: "HTTPServer",
            dependencies: [
                "CMicroHTTPD", "CRefusals", "CSockets", "Memory", "ServiceInterface", "Threads", coreMetrics,
                httpTypes, logging,
            ],
            swiftSettings: sourceSettings),
        .target(
            name: "OpenInference",
            dependencies: [
                "DatasetScoring", "Files", "Jobs", "JobStorage", "Memory", "Scoring", "ScoringService",
                "ServiceInterface", "Threads", "WebService", httpTypes,
            ],
            swiftSettings: sourceSettings),
        .target(
            name: "ScoringService",
            dependencies: [
                "Codecs", "DatasetScoring", "Exports", "Files", "Jobs", "JobStorage", "Memory", "Scoring",
                "ServiceInterface", "Threads", "WebService", coreMetrics, httpTypes, logging,
            ],
            resources: [.embedInCode("openapi.yaml")],
            swiftSettings: sourceSettings),
        .target(
            name: "JobStorage",
            dependencies: [
                "Codecs", "DatasetScoring", "Files", "Jobs", "Memory", "Scoring", "ServiceInterface", "Threads",
                "WebService", grdb, httpTypes, logging,
            ],
            swiftSettings: sourceSettings),
        .target(
            name: "DatasetScoring",
            dependencies: [
                "Codecs", "Files", "Memory", "Scoring", "ServiceInterface", "Threads", "WebService", httpTypes,
            ],
            swiftSettings: sourceSettings),
        .target(
            name: "BlockFunctions",
            dependencies: ["CBlockFunctions", "DatasetScoring", "Memory", "Scoring", "WebService"],
            swiftSettings: sourceSettings,
            // The library goes where there is no Swift. What `--static-swift-stdlib` does for programs, it does not do
            // for libraries.
            linkerSettings: [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]),
        .target(
            name: "Exports", dependencies: ["Codecs", "Memory", "Scoring", "Threads", "WebService"],
            swiftSettings: sourceSettings),
        .target(
            name: "WebService",
            dependencies: ["Codecs", "Files", "Jobs", "Memory", "Scoring", "ServiceInterface", httpTypes, logging],
            swiftSettings: sourceSettings),
        .target(name: "ServiceInterface", dependencies: ["Memory", httpTypes], swiftSettings: sourceSettings),
        .target(name: "Jobs", dependencies: [deque, heap], swiftSettings: sourceSettings),
        .target(name: "PrometheusText", dependencies: [coreMetrics], swiftSettings: sourceSettings),
        .target(
            name: "Codecs",
            dependencies: ["CISAL", "CPNG", "CPNGReading", "CSimdJSON", "CZlib", "Memory", "Threads"],
            swiftSettings: sourceSettings),
        .target(name: "Scoring", dependencies: ["CScoringKernels", "Files", "Memory"], swiftSettings: sourceSettings),
        .target(
            name: "Files", dependencies: ["CISAL", "CLinux", "CMappedFaults", "Memory"], swiftSettings: sourceSettings),
        .target(name: "Memory", dependencies: ["CLinux"], swiftSettings: sourceSettings),
        .target(name: "Threads", dependencies: [deque], swiftSettings: sourceSettings),

        .target(name: "CScoringKernels"),
        .target(name: "CBlockFunctions"),
        .target(name: "CMappedFaults"),
        .target(name: "CPNGReading", dependencies: ["CPNG"]),
        .target(name: "CSockets"),
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CRefusals", dependencies: ["CMicroHTTPD"], linkerSettings: [.linkedLibrary("gnutls")]),
        .systemLibrary(
            name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .target(
            name: "TestSupport", dependencies: ["Codecs", "Memory", httpTypes], path: "Tests/TestSupport",
            swiftSettings: settings),
        .target(
            name: "ServiceHarness",
            dependencies: [
                "Jobs", "JobStorage", "Memory", "OpenInference", "PrometheusText", "ReviewPage", "ScoringService",
                "ServiceInterface", "TestSupport", "Threads", "WebService", httpTypes, logging,
            ],
            path: "Tests/ServiceHarness", swiftSettings: settings),
        // All tests are one program, so it is enough that one of its targets has this.
        .target(name: "CMutexOrder", path: "Tests/CMutexOrder"),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "CMutexOrder", "HTTPServer", "Memory", "PrometheusText", "ServiceInterface", httpTypes, logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "BlockFunctionsTests", dependencies: ["BlockFunctions", "CBlockFunctions"], swiftSettings: settings),
        .testTarget(
            name: "ExportsTests", dependencies: ["Codecs", "Exports", "Memory", "Scoring", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "WebServiceTests",
            dependencies: [
                "Codecs", "Files", "Jobs", "Memory", "Scoring", "ServiceInterface", "WebService", httpTypes,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "DatasetScoringTests",
            dependencies: ["DatasetScoring", "Files", "Memory", "Scoring", "TestSupport", "WebService", httpTypes],
            swiftSettings: settings),
        .testTarget(
            name: "OpenInferenceTests",
            dependencies: [
                "Jobs", "OpenInference", "ScoringService", "ServiceHarness", "ServiceInterface", "TestSupport",
                "WebService", httpTypes,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "JobStorageTests",
            dependencies: [
                "DatasetScoring", "Files", "Jobs", "JobStorage", "Memory", "ScoringService", "ServiceHarness",
                "ServiceInterface", "TestSupport", "WebService", grdb, httpTypes, logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ScoringServiceTests",
            dependencies: [
                "DatasetScoring", "Jobs", "JobStorage", "Memory", "PrometheusText", "Scoring", "ScoringService",
                "ServiceHarness", "ServiceInterface", "TestSupport", "WebService", httpTypes,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ReviewPageTests", dependencies: ["ReviewPage", "ServiceHarness", "WebService", httpTypes],
            swiftSettings: settings),
        .testTarget(
            name: "SegscoreTests", dependencies: ["HTTPServer", "PrometheusText", "segscore", argumentParser],
            swiftSettings: settings),
        .testTarget(
            name: "PrometheusTextTests", dependencies: ["PrometheusText", coreMetrics], swiftSettings: settings),
        .testTarget(name: "JobsTests", dependencies: ["Jobs", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "CodecsTests", dependencies: ["Codecs", "CPNG", "Memory"],
            resources: [.copy("Fixtures")], swiftSettings: settings),
        .testTarget(
            name: "ScoringTests",
            dependencies: ["CScoringKernels", "Files", "Memory", "Scoring", "TestSupport"],
            resources: [.copy("Fixtures")], swiftSettings: settings),
        .testTarget(
            name: "ServiceInterfaceTests", dependencies: ["Memory", "ServiceInterface"], swiftSettings: settings),
        .testTarget(name: "FilesTests", dependencies: ["Files", "Memory", "TestSupport"], swiftSettings: settings),
        .testTarget(name: "MemoryTests", dependencies: ["Memory"], swiftSettings: settings),
        .testTarget(name: "ThreadsTests", dependencies: ["Threads"], swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)

// The fuzzers are not part of the program, nor of its tests: Scripts/fuzz builds them.
if Context.environment["SEGSCORE_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "DatasetScoring", "HTTPServer", "JobStorage", "Jobs", "OpenInference", "ScoringService",
                "ServiceInterface", "Codecs", "Memory", "WebService", httpTypes, logging,
            ],
            path: "Fuzz", exclude: ["Corpus", "Words", "make_corpus.py"],
            swiftSettings: settings + [.enableExperimentalFeature("Extern")]))
}
