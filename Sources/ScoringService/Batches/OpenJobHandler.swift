import DatasetScoring
import HTTPTypes
import Memory
import Scoring
import ServiceInterface
import WebService

/// `POST /jobs`: takes the parameters of a job as JSON members or text parts. The body may be missing if all parameters
/// stand in the query.
///
/// `@unchecked Sendable`: the daemon thread that reads the body hands the handler to the one worker that answers.
final class OpenJobHandler: RequestHandler, @unchecked Sendable {
    private let service: Service
    private let owner: JobOwner?
    private let parameters: ParameterInputs
    /// The decoder of the body; nil while no byte has come.
    private var body: ArrayBody?
    private let request: IncomingRequest

    init(_ request: IncomingRequest, of caller: Caller, _ service: Service) throws(Problem) {
        self.service = service
        owner = caller.owner
        self.request = request
        parameters = ParameterInputs(
            try Parameters(target: request.head.path ?? "", known: ScoreParameters.namesWithoutAnswer))
        _ = try ScoreParameters(parameters.values)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        let body: ArrayBody
        if let begun = self.body {
            body = begun
        } else {
            body = try ArrayBody(request, limits: service.bodyLimits, inputs: parameters)
            self.body = body
        }
        try body.receive(bytes)
    }

    func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        service.commit(answer) { [self] () throws(Problem) in
            try body?.finish()
            try body?.complete()
            return try service.open(parameters.values, for: owner)
        }
    }

    func abandon() {}
}

/// Takes parameters and no arrays.
private final class ParameterInputs: RequestInputs {
    let arrays: [ScoringError.Array] = []
    var parameterNames: [String] { values.known }
    private(set) var values: Parameters

    init(_ values: Parameters) {
        self.values = values
    }

    func begin(
        _ array: ScoringError.Array, _ layout: TensorLayout, parametersAreKnown: Bool
    ) throws(Problem) -> any ArrayAccumulator {
        preconditionFailure("there is no array that begins")
    }

    func end(_ array: ScoringError.Array) throws(Problem) {}
    func passOver(_ name: String) {}

    func set(_ parameter: String, _ value: String) throws(Problem) {
        try values.set(parameter, value)
    }
}
