import ServiceInterface

/// What is wrong with a form.
extension Problem {
    init(_ error: MultipartError) {
        self =
            switch error {
            case .noBoundary:
                .malformedBody("The form's Content-Type names no boundary.", expected: "boundary=…")
            case .boundary(let boundary):
                .malformedBody(
                    "The form's boundary is none that a form may have.",
                    expected: "1 to 70 printable ASCII characters, the last no blank",
                    actual: "\(boundary.count) characters: \(boundary)")
            case .malformed, .refused:
                .malformedBody("The form cannot be read.", expected: "parts, and a closing boundary")
            }
    }
}
