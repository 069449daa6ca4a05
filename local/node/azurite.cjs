// Starts Azurite and ends it when standard input closes, that is when the process that started it is gone,
// however it ended.
process.stdin.on('end', () => process.exit(0)).resume();
require('azurite/dist/src/azurite.js');
