/** groups-lost.test.ts over thousands of users. */
process.env['TEST_SIZE'] = 'full';
await import('./groups-lost.test.ts');
