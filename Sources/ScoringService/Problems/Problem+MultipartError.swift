import ServiceInterface

/// What is wrong with a form.
extension Problem {
    init(_ error: MultipartError) {
        self =
            switch error {
            case .noBoundary:
                .malformedBody("The form's Content-Type names no boundary.", expected: "boundary=…")
            case .malformed, .refused:
                .malformedBody("The form cannot be read.", expected: "parts, and a closing boundary")
            }
    }
}
