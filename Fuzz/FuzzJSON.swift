import Codecs

/// Takes the members that are arrays in the service's bodies, and the others as they are.
private final class MemberCollector: JSONReceiver {
    private static let arrayNames = ["labels", "pred_probs", "image_scores", "pixel_scores"]

    private(set) var arrays: [ArrayCollector] = []
    private(set) var members: [String] = []

    func receiver(forArray name: String) throws(FuzzFailure) -> (any ArrayReceiver<FuzzFailure>)? {
        guard Self.arrayNames.contains(name) else { return nil }
        let array = ArrayCollector()
        arrays.append(array)
        return array
    }

    func member(_ name: String, _ value: JSONScalar) throws(FuzzFailure) {
        precondition(!members.contains(name))
        members.append(name)
    }
}

/// Decodes a JSON body.
func fuzzJSON(_ input: [UInt8]) {
    let members = MemberCollector()
    do throws(FuzzFailure) {
        let text = JSONText(byteLimit: byteLimit)
        try push(input, by: max(input.count, 1)) { (bytes) throws(FuzzFailure) in
            do throws(CodecError) { try text.append(bytes) } catch { throw FuzzFailure(error) }
        }
        try text.decode(into: members)
    } catch {
        return
    }
    precondition(members.arrays.allSatisfy(\.hasEnded))
}
