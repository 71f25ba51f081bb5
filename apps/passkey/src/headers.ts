/** What a browser is told with every answer of the page's origin. */

/**
 * No connection goes out of this page: nothing that it knows can leave but by the form, to where the house asked for,
 * and that address is on the screen.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  'form-action https: http://localhost:* http://127.0.0.1:*',
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** All that a page could ask of a device, but for passkeys. */
const PERMISSIONS_POLICY = [
  'publickey-credentials-get=(self)', 'publickey-credentials-create=(self)', 'accelerometer=()', 'bluetooth=()',
  'camera=()', 'clipboard-read=()', 'clipboard-write=()', 'display-capture=()', 'geolocation=()', 'gyroscope=()',
  'hid=()', 'local-fonts=()', 'magnetometer=()', 'microphone=()', 'midi=()', 'payment=()', 'serial=()', 'usb=()',
  'web-share=()',
].join(', ')

export const PAGE_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'integrity-policy': 'blocked-destinations=(script)',
  'permissions-policy': PERMISSIONS_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // What is served is compared with what was logged, so no intermediary keeps an older one.
  'cache-control': 'no-cache',
} as const
