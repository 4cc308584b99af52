import HTTPTypes
import ServiceInterface
package import WebService

/// The page on which people review regions. It is part of the program, holds no data, and fetches what it shows as any
/// client does.
package enum ReviewPage {
    /// The endpoints of the page: itself at `/`, and its files beneath `/page`.
    package static let endpoints = EndpointGroup([
        Endpoint("/", .asProgram, get: { call throws(Problem) in try file("index.html", call) }),
        Endpoint("/page/{file}", .asProgram, get: { call throws(Problem) in try file(call["file"] ?? "", call) }),
    ])

    /// The files of the page by their names.
    static let files: [String: [UInt8]] = [
        "api.js": PackageResources.api_js,
        "arrays.js": PackageResources.arrays_js,
        "bar.js": PackageResources.bar_js,
        "cache.js": PackageResources.cache_js,
        "classes.js": PackageResources.classes_js,
        "controls.js": PackageResources.controls_js,
        "crop.js": PackageResources.crop_js,
        "decisions.js": PackageResources.decisions_js,
        "dialogs.js": PackageResources.dialogs_js,
        "dimensions.js": PackageResources.dimensions_js,
        "disputes.js": PackageResources.disputes_js,
        "elements.js": PackageResources.elements_js,
        "exports.js": PackageResources.exports_js,
        "folder-button.js": PackageResources.folder_button_js,
        "index.html": PackageResources.index_html,
        "job-page.js": PackageResources.job_page_js,
        "jobs-page.js": PackageResources.jobs_page_js,
        "keys.js": PackageResources.keys_js,
        "look-panel.js": PackageResources.look_panel_js,
        "main.js": PackageResources.main_js,
        "matrix.js": PackageResources.matrix_js,
        "notices.js": PackageResources.notices_js,
        "npy.js": PackageResources.npy_js,
        "outbox.js": PackageResources.outbox_js,
        "painter.js": PackageResources.painter_js,
        "palette.js": PackageResources.palette_js,
        "pictures.js": PackageResources.pictures_js,
        "queue-page.js": PackageResources.queue_page_js,
        "region-page.js": PackageResources.region_page_js,
        "regions.js": PackageResources.regions_js,
        "router.js": PackageResources.router_js,
        "settings.js": PackageResources.settings_js,
        "shaders.js": PackageResources.shaders_js,
        "sheet-page.js": PackageResources.sheet_page_js,
        "stage.js": PackageResources.stage_js,
        "statistics.js": PackageResources.statistics_js,
        "style.css": PackageResources.style_css,
        "thumbnails.js": PackageResources.thumbnails_js,
        "verdict-panel.js": PackageResources.verdict_panel_js,
        "view.js": PackageResources.view_js,
    ]

    /// What the page may do: run its own scripts, and call the server that it came from.
    static let policy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """

    private static func file(_ name: String, _ call: Call) throws(Problem) -> any RequestHandler {
        guard let bytes = files[name] else { throw .notFound("/page/\(name)") }
        return BodilessHandler { () throws(Problem) in
            var response = try Response.bytes(.ok, type(of: name), bytes)
            response.head.headerFields[.contentSecurityPolicy] = policy
            response.head.headerFields[.xContentTypeOptions] = "nosniff"
            // A newer program has newer files under the same names.
            response.head.headerFields[.cacheControl] = "no-cache"
            return response
        }
    }

    private static func type(of name: String) -> MediaType {
        switch name.split(separator: ".").last {
        case "js": .javaScript
        case "css": .css
        default: .html
        }
    }
}
