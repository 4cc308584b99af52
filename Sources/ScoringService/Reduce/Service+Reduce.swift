import DatasetScoring
import HTTPTypes
import ServiceInterface
import WebService

extension Service {
    /// `POST /reduce`: takes the arrays of a scoring, and answers what one pass over the probabilities finds in them.
    ///
    /// It is a job like any other until it is answered. It needs all that confident learning needs, and is admitted as
    /// such, so that no probability is passed over.
    func reduce(_ call: Call) throws(Problem) -> any RequestHandler {
        let request = call.request
        try checkMemory()
        let method = ScoreParameters.Method.numPixelIssues
        let parameters = try Parameters(target: request.head.path ?? "", known: ScoreParameters.namesOfArrays)
        let arrays = ScoreArrays(configuration.places, parameters: parameters.fixing("method", method.rawValue))
        let mediaType = try MediaType.negotiated(request.head.headerFields[.accept], offers: [.npz, .json])
        return try ScoreHandler(
            self, arrays, ReducedFormat(service: self, mediaType: mediaType), Preference([:]), of: call.caller,
            place: try uploadPlace(for: request, of: call.caller),
            body: try ArrayBody(request, limits: bodyLimits, inputs: arrays))
    }
}
