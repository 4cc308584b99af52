package import HTTPTypes

/// The kinds of problems, each with the status of its answer.
///
/// The raw value is the last part of the document's `type`, which clients switch on: it never changes. A test holds the
/// cases against `openapi.yaml`.
package enum ProblemType: String, CaseIterable, Sendable {
    case unknownParameter = "unknown-parameter"
    case repeatedParameter = "repeated-parameter"
    case invalidParameter = "invalid-parameter"
    case malformedRequest = "malformed-request"
    case malformedBody = "malformed-body"
    case missingArray = "missing-array"
    case unexpectedArray = "unexpected-array"
    case repeatedArray = "repeated-array"
    case invalidHeader = "invalid-header"
    case filesNotTaken = "files-not-taken"
    case unknownOutput = "unknown-output"
    case sharedMemoryOff = "shared-memory-off"
    case unknownRegion = "unknown-region"
    case repeatedRegion = "repeated-region"
    case unusableRegion = "unusable-region"

    case unauthorized

    case foreignOrigin = "foreign-origin"

    case notFound = "not-found"
    case unknownJob = "unknown-job"
    case unknownModel = "unknown-model"
    case noLabelIssues = "no-label-issues"
    case noPredictedClasses = "no-predicted-classes"
    case noLargestProbabilities = "no-largest-probabilities"
    case noNames = "no-names"
    case noImages = "no-images"
    case regionNotFound = "region-not-found"
    case decisionNotFound = "decision-not-found"

    case methodNotAllowed = "method-not-allowed"

    case notAcceptable = "not-acceptable"

    case requestTimeout = "request-timeout"

    case batchArriving = "batch-arriving"
    case requestArriving = "request-arriving"
    case jobNotOpen = "job-not-open"
    case noBatches = "no-batches"
    case jobNotFinished = "job-not-finished"
    case jobFinished = "job-finished"
    case jobCanceled = "job-canceled"
    case jobFailed = "job-failed"

    case resultExpired = "result-expired"

    case lengthRequired = "length-required"

    case bodyTooLarge = "body-too-large"
    case tooManyPixels = "too-many-pixels"
    case jobTooLarge = "job-too-large"

    case targetTooLong = "target-too-long"

    case unsupportedMediaType = "unsupported-media-type"

    case rangeNotSatisfiable = "range-not-satisfiable"

    case unknownHost = "unknown-host"

    case unsupportedElementType = "unsupported-element-type"
    case unsupportedOrder = "unsupported-order"
    case shapeMismatch = "shape-mismatch"
    case emptyArray = "empty-array"
    case labelOutOfRange = "label-out-of-range"
    case probabilityOutOfRange = "probability-out-of-range"
    case tooManyClasses = "too-many-classes"
    case downsampleDoesNotDivide = "downsample-does-not-divide"
    case batchMismatch = "batch-mismatch"
    case idempotencyKeyReused = "idempotency-key-reused"
    case fileUnusable = "file-unusable"
    case folderUnusable = "folder-unusable"
    case memoryUnreadable = "memory-unreadable"
    case notDrawable = "not-drawable"

    case headerTooLarge = "header-too-large"

    case internalError = "internal-error"
    case stateLost = "state-lost"
    case jobSetAside = "job-set-aside"

    case notImplemented = "not-implemented"

    case atCapacity = "at-capacity"
    case draining
    case outOfMemory = "out-of-memory"
    case spoolBusy = "spool-busy"
    case stateUnwritable = "state-unwritable"
    case tooManyConnections = "too-many-connections"
    case tooManyOpenJobs = "too-many-open-jobs"
    case tooManyUploads = "too-many-uploads"
    case uploadInterrupted = "upload-interrupted"

    case unsupportedVersion = "unsupported-version"

    case spoolFull = "spool-full"
    case stateFull = "state-full"
    case outputFull = "output-full"

    /// The status with which a problem of this kind is answered.
    package var status: HTTPResponse.Status {
        switch self {
        case .unknownParameter, .repeatedParameter, .invalidParameter, .malformedRequest, .malformedBody, .missingArray,
            .unexpectedArray, .repeatedArray, .invalidHeader, .filesNotTaken, .unknownOutput, .sharedMemoryOff,
            .unknownRegion, .repeatedRegion, .unusableRegion:
            .badRequest
        case .unauthorized: .unauthorized
        case .foreignOrigin: .forbidden
        case .notFound, .unknownJob, .unknownModel, .noLabelIssues, .noPredictedClasses, .noLargestProbabilities,
            .noNames, .noImages, .regionNotFound, .decisionNotFound:
            .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .notAcceptable: .notAcceptable
        case .requestTimeout: .requestTimeout
        case .batchArriving, .requestArriving, .jobNotOpen, .noBatches, .jobNotFinished, .jobFinished, .jobCanceled,
            .jobFailed:
            .conflict
        case .resultExpired: .gone
        case .lengthRequired: .lengthRequired
        case .bodyTooLarge, .tooManyPixels, .jobTooLarge: .contentTooLarge
        case .targetTooLong: .uriTooLong
        case .unsupportedMediaType: .unsupportedMediaType
        case .rangeNotSatisfiable: .rangeNotSatisfiable
        case .unknownHost: .misdirectedRequest
        case .unsupportedElementType, .unsupportedOrder, .shapeMismatch, .emptyArray, .labelOutOfRange,
            .probabilityOutOfRange, .tooManyClasses, .downsampleDoesNotDivide, .batchMismatch, .idempotencyKeyReused,
            .fileUnusable, .folderUnusable, .memoryUnreadable, .notDrawable:
            .unprocessableContent
        case .headerTooLarge: .requestHeaderFieldsTooLarge
        case .internalError, .stateLost, .jobSetAside: .internalServerError
        case .notImplemented: .notImplemented
        case .atCapacity, .draining, .outOfMemory, .spoolBusy, .stateUnwritable, .tooManyConnections, .tooManyOpenJobs,
            .tooManyUploads, .uploadInterrupted:
            .serviceUnavailable
        case .unsupportedVersion: .httpVersionNotSupported
        case .spoolFull, .stateFull, .outputFull: .insufficientStorage
        }
    }

    /// The kind in words: the raw value with its first letter raised and blanks for dashes.
    var title: String {
        let words = rawValue.split(separator: "-").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}

extension HTTPResponse.Status {
    /// The status that WebDAV defines for a full disk (RFC 4918, section 11.5).
    package static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
}
